using System.Collections.Immutable;
using System.Globalization;
using BatchGen.Core.Jobs;

namespace BatchGen.Core.Submitting;

/// <summary>
/// One row, form line or command that may stand for many jobs: its prompt is a <see cref="PromptTemplate"/>, its seeds a
/// <see cref="SeedList"/>, or each prompt is drawn several times. Templates become jobs here, for every way of submitting.
/// </summary>
public sealed record JobTemplate
{
    /// <summary>Most jobs that one template may stand for.</summary>
    public const int MaxJobs = 1_000_000;

    /// <summary>The values that all jobs have in common; the prompt is the template.</summary>
    public required JobRequest Job { get; init; }

    /// <value>What <c>{name}</c> in the prompt stands for, by name; null when the prompt has no names.</value>
    public ImmutableDictionary<string, string>? Words { get; init; }

    /// <value>Seeds, each for every prompt: <c>1-10</c>, <c>1,5,9</c>; null gives none.</value>
    public string? Seeds { get; init; }

    /// <value>Jobs per prompt; a single seed counts up; null means 1.</value>
    public int? Count { get; init; }

    /// <summary>The template with a field set, of the job or of the expansion.</summary>
    /// <param name="field">The field to set.</param>
    /// <param name="value">A value of the field's type (<see cref="FieldValue.Read"/>).</param>
    public JobTemplate With(JobField field, object value)
    {
        ArgumentNullException.ThrowIfNull(field);
        if (field == JobFields.Seeds) return this with { Seeds = (string)value };
        return field == JobFields.Count ? this with { Count = (int)value } : this with { Job = Job.With(field, value) };
    }

    /// <summary>The template, with the fields that it leaves out taken from another one.</summary>
    public JobTemplate FillIn(JobTemplate defaults)
    {
        ArgumentNullException.ThrowIfNull(defaults);
        var (row, other) = (Job, defaults.Job);
        // A row that has seeds takes none of the defaults, a row that starts from noise takes no strength, and no row takes the idempotency
        // key, which names one job.
        var hasSeeds = row.Seed is not null || Seeds is not null;
        if (hasSeeds) other = other.With(JobFields.Seed, null);
        if ((row.StartImage ?? other.StartImage) is null) other = other.With(JobFields.Strength, null);
        other = other.With(JobFields.IdempotencyKey, null);
        if (row.Prompt.Length == 0) row = row.With(JobFields.Prompt, null);
        return new JobTemplate
        {
            Words = Words,
            Seeds = hasSeeds ? Seeds : defaults.Seeds,
            Count = Count ?? (Seeds is null ? defaults.Count : null),
            Job = row.FillIn(other),
        };
    }

    /// <summary>Counts the jobs without making any.</summary>
    /// <exception cref="JobTemplateException">
    /// A field cannot be read, or the template stands for more than <see cref="MaxJobs"/> jobs.
    /// </exception>
    public JobExpansion Expand()
    {
        var prompts = Read("prompt", () => PromptTemplate.Parse(Job.Prompt, Words));
        if (Words?.Keys.Except(prompts.UsedWords, StringComparer.OrdinalIgnoreCase).FirstOrDefault() is { } unused)
        {
            throw new JobTemplateException(
                $"{{{unused}}}", $"the prompt does not use it; write {{{unused}}} where it belongs, or leave the column out.");
        }

        var seeds = Read("seeds", () => SeedList.Parse(Seeds ?? ""));
        if (Job.Seed is not null && seeds.Count > 0) throw new JobTemplateException("seeds", "leave it out when a seed is given.");
        if (Count is < 1 or > MaxJobs) throw new JobTemplateException("count", $"expected 1 to {MaxJobs}.");
        if (Count > 1 && seeds.Count > 1) throw new JobTemplateException("count", "leave it out when several seeds are given.");
        var count = (decimal)prompts.Count * Math.Max(1, seeds.Count) * (Count ?? 1);
        // The message names the field that multiplies most.
        if (count > MaxJobs)
        {
            var field = prompts.Count >= Math.Max(seeds.Count, Count ?? 1) ? "prompt" : seeds.Count > 1 ? "seeds" : "count";
            var number = count >= PromptTemplate.Many ? $"more than {PromptTemplate.Many}" : count.ToString(CultureInfo.InvariantCulture);
            throw new JobTemplateException(
                field, $"expands to {number} jobs; the limit is {MaxJobs}. Use fewer alternatives or seeds.");
        }

        return new JobExpansion(Job, prompts, seeds, (int)count);
    }

    private static T Read<T>(string field, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (FormatException failure)
        {
            throw new JobTemplateException(field, failure.Message, failure);
        }
    }
}

/// <summary>The jobs of a <see cref="JobTemplate"/>, made one at a time.</summary>
public sealed class JobExpansion
{
    private readonly JobRequest _job;
    private readonly PromptTemplate _prompts;
    private readonly SeedList _seeds;

    internal JobExpansion(JobRequest job, PromptTemplate prompts, SeedList seeds, int count)
    {
        (_job, _prompts, _seeds, Count) = (job, prompts, seeds, count);
    }

    /// <summary>Number of jobs that the template stands for.</summary>
    public int Count { get; }

    /// <summary>Name of the start image that all jobs begin from, or null.</summary>
    public string? StartImage => _job.StartImage;

    /// <summary>Makes the jobs, one for each prompt and seed. An idempotency key gets a number when there are several jobs.</summary>
    public IEnumerable<JobRequest> Jobs()
    {
        var perPrompt = Count / (int)_prompts.Count;
        var number = 0;
        foreach (var prompt in _prompts.Prompts())
        {
            foreach (var seed in _seeds.Count > 1 ? _seeds.Select(seed => (long?)seed) : CountingUp(perPrompt))
            {
                number++;
                yield return _job with
                {
                    Prompt = prompt,
                    Seed = seed,
                    IdempotencyKey = _job.IdempotencyKey is { } key && Count > 1
                        ? string.Create(CultureInfo.InvariantCulture, $"{key}/{number}")
                        : _job.IdempotencyKey,
                };
            }
        }
    }

    // Without a seed each job gets one when it is submitted.
    private IEnumerable<long?> CountingUp(int count)
    {
        var first = _job.Seed ?? (_seeds.Count == 1 ? _seeds.First() : null);
        for (var i = 0; i < count; i++) yield return unchecked(first + i);
    }
}

/// <summary>A template cannot be expanded into jobs.</summary>
/// <param name="field">The field whose value is wrong, as job files name it.</param>
/// <param name="message">What is wrong with the value, and what to do.</param>
/// <param name="inner">The failure that was found, or null.</param>
public sealed class JobTemplateException(string field, string message, Exception? inner = null) : FormatException(message, inner)
{
    /// <summary>The field whose value is wrong, as job files name it.</summary>
    public string Field { get; } = field;
}
