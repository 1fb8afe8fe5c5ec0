using System.Globalization;
using BatchGen.Core.Jobs;
using BatchGen.Core.Submitting;
using BatchGen.Dashboard.Requests;
using BatchGen.Queue.Reports;
using Microsoft.AspNetCore.Http;

namespace BatchGen.Dashboard.Pages.Enqueue;

/// <summary>What a person filled in, as text by field name, and the jobs it stands for.</summary>
public sealed record EnqueueForm
{
    private const string StrengthPrefix = "strength:";

    /// <summary>The fields that the form has a box for; adapters have one each.</summary>
    public static IReadOnlyList<JobField> Fields { get; } =
        [.. JobFields.All.Where(field => field.IsSetBy(JobFieldWays.Form) && field.Type != JobFieldType.Adapters)];

    private IReadOnlyDictionary<string, string> Values { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    private Dictionary<string, string> Strengths { get; init; } = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);

    /// <summary>Whose jobs they are; empty means the default tenant's.</summary>
    public string Tenant { get; init; } = "";

    /// <summary>What stands in a field's box.</summary>
    public string this[JobField field] => Values.GetValueOrDefault(field.Name, "");

    /// <summary>The strength that stands in an adapter's box; empty when the adapter is not used.</summary>
    public string StrengthOf(string adapter) => Strengths.GetValueOrDefault(adapter, "");

    /// <summary>Reads the posted fields.</summary>
    public static EnqueueForm Of(IFormCollection form) => new()
    {
        Values = Fields.ToDictionary(field => field.Name, field => form[field.Name].ToString(), StringComparer.Ordinal),
        Strengths = form.Where(
            pair => pair.Key.StartsWith(StrengthPrefix, StringComparison.Ordinal) && pair.Value.ToString().Trim().Length > 0)
            .ToDictionary(
                pair => pair.Key[StrengthPrefix.Length..], pair => pair.Value.ToString().Trim(), StringComparer.OrdinalIgnoreCase),
        Tenant = form["tenant"].ToString(),
    };

    /// <summary>Fills the form from a job.</summary>
    /// <param name="job">The job.</param>
    /// <param name="extras">More of it.</param>
    /// <param name="vary">Leaves the seed open, for four other images of the same recipe.</param>
    /// <param name="display">Writes its deadline; one that has passed would only be refused, and is left out.</param>
    internal static EnqueueForm Of(JobDetails job, JobExtras? extras, bool vary, DisplayFormat display)
    {
        var recipe = RecipeJson.Write(job.Recipe);
        var values = JobFields.Recipe.Where(field => field.IsSetBy(JobFieldWays.Form))
            .ToDictionary(field => field.Name, field => RecipeJson.TextOf(recipe, field) ?? "", StringComparer.Ordinal);
        Set(JobFields.Prompt, PromptTemplate.Escape(job.Recipe.Prompt).ReplaceLineEndings(" "));
        Set(JobFields.Model, job.Recipe.Signature.Model);
        Set(JobFields.Seeds, vary ? "" : job.Recipe.Seed.ToString(CultureInfo.InvariantCulture));
        Set(JobFields.Count, vary ? "4" : "");
        Set(JobFields.Priority, job.Priority == 0 ? "" : job.Priority.ToString(CultureInfo.InvariantCulture));
        Set(JobFields.Deadline, extras?.Deadline is { } deadline && deadline > display.Now ? display.Exact(deadline) : "");
        Set(JobFields.MaxAttempts, job.MaxAttempts.ToString(CultureInfo.InvariantCulture));
        Set(JobFields.Campaign, job.Campaign ?? "");
        Set(JobFields.Tags, string.Join(", ", extras?.Tags ?? []));
        return new EnqueueForm
        {
            Values = values,
            Strengths = job.Recipe.Signature.Adapters.ToDictionary(
                use => use.Name, AdapterText.StrengthsOf, StringComparer.OrdinalIgnoreCase),
            Tenant = extras?.Tenant ?? "",
        };

        void Set(JobField field, string text) => values[field.Name] = text;
    }

    /// <summary>The form with another text in a field's box.</summary>
    public EnqueueForm With(JobField field, string text) => this with
    {
        Values = new Dictionary<string, string>(Values, StringComparer.Ordinal) { [field.Name] = text },
    };

    /// <summary>Makes the jobs that the form stands for.</summary>
    /// <param name="times">What short forms of times refer to.</param>
    /// <param name="problems">Gets a message for each field that cannot be read, by the field's name.</param>
    public IReadOnlyList<JobRequest> ToJobs(TimeReference times, Dictionary<string, string> problems)
    {
        var template = new JobTemplate { Job = new JobRequest() };
        foreach (var field in Fields.Where(field => field != JobFields.Prompt && this[field].Trim().Length > 0))
            template = Read(template, field, () => FieldValue.Of(this[field].Trim(), times).Read(field), problems);
        if (Strengths.Count > 0) template = Read(template, JobFields.Adapters, ReadAdapters, problems);
        var lines = ReadPrompts(template, problems);
        if (problems.Count > 0) return [];
        var jobs = lines.Sum(line => (long)line.Count);
        if (jobs <= FormList.MaxJobs) return lines.SelectMany(line => line.Jobs()).ToArray();
        problems[JobFields.Prompt.Name] = string.Create(CultureInfo.InvariantCulture,
            $"expands to {jobs} jobs; the limit of the form is {FormList.MaxJobs}. Use a file with 'batchgen submit' or the API for more.");
        return [];
    }

    private static JobTemplate Read(JobTemplate template, JobField field, Func<object> read, Dictionary<string, string> problems)
    {
        try
        {
            return template.With(field, read());
        }
        catch (FormatException failure)
        {
            problems[field.Name] = failure.Message;
            return template;
        }
    }

    // One prompt a line; an empty box is one empty prompt, which is legal.
    private List<JobExpansion> ReadPrompts(JobTemplate template, Dictionary<string, string> problems)
    {
        var lines = this[JobFields.Prompt].ReplaceLineEndings("\n").Split('\n').Select(line => line.Trim()).Where(line => line.Length > 0);
        var expansions = new List<JobExpansion>();
        foreach (var line in lines.DefaultIfEmpty(""))
        {
            try
            {
                expansions.Add((template with { Job = template.Job with { Prompt = line } }).Expand());
            }
            catch (JobTemplateException failure)
            {
                problems[failure.Field] = failure.Message;
                break;
            }
        }

        return expansions;
    }

    private JobRequestAdapter[] ReadAdapters() => [.. Strengths.Select(pair => AdapterText.Parse($"{pair.Key}@{pair.Value}")[0])];
}
