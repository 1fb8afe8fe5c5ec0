using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using BatchGen.Composition;
using BatchGen.Core.Jobs;
using BatchGen.Core.Submitting;
using BatchGen.Dashboard.Api;
using BatchGen.Output;
using BatchGen.Queue.Jobs;

namespace BatchGen.Commands;

/// <summary><c>batchgen submit</c>: puts jobs into the queue, from flags or from a file.</summary>
internal sealed class SubmitCommand
{
    // One transaction each: large enough to be fast, small enough that a refusal comes soon.
    private const int ChunkSize = 20_000;

    private readonly Argument<string?> _file = new("FILE") { Arity = ArgumentArity.ZeroOrOne, Description = "Jobs as .csv, .json or .jsonl; '-' reads standard input." };
    private readonly Option<string[]> _prompts = new("--prompt", "-p") { Description = "What to draw; may be given several times, one job each." };
    private readonly Option<string?> _negative = new("--negative", "-n") { Description = "What to keep away from." };
    private readonly Option<string?> _model = new("--model", "-m") { Description = "Registered model; may be left out when there is only one." };
    private readonly Option<string[]> _adapters = new("--adapter", "-a") { Description = "Adapter as name, name@strength or name@unet:text_encoder; may be given several times." };
    private readonly Option<int?> _width = new("--width") { Description = "Width in pixels, a multiple of 8; default: the model's own." };
    private readonly Option<int?> _height = new("--height") { Description = "Height in pixels, a multiple of 8; default: the model's own." };
    private readonly Option<int?> _steps = new("--steps") { Description = "Denoising steps, 1 to 1000; default 20." };
    private readonly Option<string?> _sampler = new("--sampler") { Description = "Sampler; default ddim." };
    private readonly Option<double?> _guidance = new("--guidance") { Description = "Guidance scale; default 7.5." };
    private readonly Option<long?> _seed = new("--seed") { Description = "Noise seed; default: drawn for each job." };
    private readonly Option<int?> _count = new("--count") { Description = "Pictures per prompt; a given seed counts up." };
    private readonly Option<string?> _format = new("--format") { Description = "png, webp or jpeg; default png." };
    private readonly Option<int?> _clipSkip = new("--clip-skip") { Description = "Text encoder layers to leave out; default 0." };
    private readonly Option<int?> _priority = new("--priority") { Description = "-100 to 100, higher first; default 0." };
    private readonly Option<string?> _campaign = new("--campaign", "-c") { Description = "Name of the bulk request the jobs belong to." };
    private readonly Option<string?> _runAt = new("--run-at") { Description = $"Not before: {JobTimes.Forms}." };
    private readonly Option<string?> _deadline = new("--deadline") { Description = "Fail jobs that were not started by then." };
    private readonly Option<int?> _maxAttempts = new("--max-attempts") { Description = "Attempts before a job fails for good; default 3." };
    private readonly Option<string[]> _tags = new("--tag") { Description = "Word to find the job by; may be given several times." };
    private readonly Option<string?> _key = new("--idempotency-key") { Description = "Submitting the same key again gives the first job's id." };
    private readonly Option<bool> _json = new("--json") { Description = "Print {\"job_ids\":[...]}." };
    private readonly Option<bool> _ids = new("--ids") { Description = "Print one id per line." };

    private readonly ProgramContext _context;

    private SubmitCommand(ProgramContext context) => _context = context;

    /// <summary>Makes the command.</summary>
    public static Command Create(ProgramContext context)
    {
        var submit = new SubmitCommand(context);
        var command = new Command("submit", "Put jobs into the queue, from flags or from a file; all of a file's jobs are checked before the first is submitted.")
        {
            submit._file, submit._prompts, submit._negative, submit._model, submit._adapters, submit._width, submit._height, submit._steps, submit._sampler,
            submit._guidance, submit._seed, submit._count, submit._format, submit._clipSkip, submit._priority, submit._campaign, submit._runAt, submit._deadline,
            submit._maxAttempts, submit._tags, submit._key, submit._json, submit._ids,
        };
        command.SetAction(submit.RunAsync);
        HelpWithExamples.Add(
            command,
            "batchgen submit --prompt \"a big red circle on a blue background\" --adapter demo-neon@0.8 --count 4 --seed 1",
            "batchgen submit tonight.csv --campaign tonight --run-at 22:00      flags fill in what rows leave out",
            "printf '{\"prompt\":\"a yellow star\"}\\n' | batchgen submit - --json",
            "CSV columns: prompt,negative_prompt,model,adapters,width,height,steps,sampler,guidance_scale,seed,count,format,priority,campaign,tags,...");
        return command;
    }

    private async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken)
    {
        var jobs = await CollectAsync(arguments, cancellationToken);
        await using var session = await QueueSession.OpenAsync(_context, arguments.GetValue(CommandLine.Verbose), cancellationToken);
        var submitter = session.Get<JobSubmitter>();
        var ids = new List<long>(jobs.Count);
        foreach (var chunk in jobs.Chunk(ChunkSize))
        {
            try
            {
                ids.AddRange(await submitter.SubmitAsync(chunk, cancellationToken));
            }
            catch (Exception) when (ids.Count > 0)
            {
                await _context.Error.WriteLineAsync($"batchgen: the first {ids.Count} jobs are in the queue (ids {Printable.Ids(ids)}), the rest is not.");
                throw;
            }
        }

        if (arguments.GetValue(_json)) await _context.Output.WriteLineAsync(JsonSerializer.Serialize(new { job_ids = ids }, ApiJson.Compact));
        else if (arguments.GetValue(_ids)) foreach (var id in ids) await _context.Output.WriteLineAsync(id.ToString(CultureInfo.InvariantCulture));
        else await _context.Output.WriteLineAsync(ids.Count == 1 ? $"Submitted job {ids[0]}" : $"Submitted {ids.Count} jobs: {Printable.Ids(ids)}");
        return ExitCodes.Success;
    }

    private async Task<IReadOnlyList<JobRequest>> CollectAsync(ParseResult arguments, CancellationToken cancellationToken)
    {
        var defaults = ReadFlags(arguments);
        var prompts = arguments.GetValue(_prompts) ?? [];
        var count = arguments.GetValue(_count) ?? 1;
        if (count is < 1 or > 1_000_000) throw CommandException.BadInput($"--count {count}: expected 1 to 1000000.");
        if (arguments.GetValue(_file) is not { } file)
        {
            if (prompts.Length == 0) throw CommandException.BadInput("Nothing to submit: give --prompt TEXT or a FILE. 'batchgen submit --help' shows examples.");
            if (prompts.Length > 1 && defaults.IdempotencyKey is not null) throw CommandException.BadInput("--idempotency-key names one job; it cannot be shared by several prompts.");
            return prompts.SelectMany(prompt => JobRepeat.Expand(defaults with { Prompt = prompt }, count)).ToArray();
        }

        if (prompts.Length > 0) throw CommandException.BadInput("Give --prompt or a FILE, not both.");
        if (defaults.IdempotencyKey is not null) throw CommandException.BadInput("--idempotency-key names one job; put a column 'idempotency_key' into the file.");
        var jobs = JobFile.Read(await ReadAsync(file, cancellationToken), file, _context.Clock);
        return jobs.SelectMany(job => JobRepeat.Expand(FillIn(job, defaults), count)).ToArray();
    }

    private JobRequest ReadFlags(ParseResult arguments)
    {
        try
        {
            return new JobRequest
            {
                NegativePrompt = arguments.GetValue(_negative),
                Model = arguments.GetValue(_model),
                Adapters = arguments.GetValue(_adapters) is { Length: > 0 } adapters ? adapters.SelectMany(AdapterText.Parse).ToArray() : null,
                Width = arguments.GetValue(_width),
                Height = arguments.GetValue(_height),
                Steps = arguments.GetValue(_steps),
                Sampler = arguments.GetValue(_sampler),
                GuidanceScale = arguments.GetValue(_guidance),
                Seed = arguments.GetValue(_seed),
                Format = arguments.GetValue(_format),
                ClipSkip = arguments.GetValue(_clipSkip),
                Priority = arguments.GetValue(_priority),
                Campaign = arguments.GetValue(_campaign),
                RunAt = arguments.GetValue(_runAt) is { } runAt ? JobTimes.Parse(runAt, _context.Clock) : null,
                Deadline = arguments.GetValue(_deadline) is { } deadline ? JobTimes.Parse(deadline, _context.Clock) : null,
                MaxAttempts = arguments.GetValue(_maxAttempts),
                Tags = arguments.GetValue(_tags) is { Length: > 0 } tags ? tags : null,
                IdempotencyKey = arguments.GetValue(_key),
            };
        }
        catch (FormatException failure)
        {
            throw CommandException.BadInput(failure.Message, failure);
        }
    }

    // What a row says wins over the flags.
    private static JobRequest FillIn(JobRequest row, JobRequest flags) => row with
    {
        NegativePrompt = row.NegativePrompt ?? flags.NegativePrompt,
        Model = row.Model ?? flags.Model,
        Adapters = row.Adapters ?? flags.Adapters,
        Width = row.Width ?? flags.Width,
        Height = row.Height ?? flags.Height,
        Steps = row.Steps ?? flags.Steps,
        Sampler = row.Sampler ?? flags.Sampler,
        GuidanceScale = row.GuidanceScale ?? flags.GuidanceScale,
        Seed = row.Seed ?? flags.Seed,
        Format = row.Format ?? flags.Format,
        ClipSkip = row.ClipSkip ?? flags.ClipSkip,
        Priority = row.Priority ?? flags.Priority,
        Campaign = row.Campaign ?? flags.Campaign,
        RunAt = row.RunAt ?? flags.RunAt,
        Deadline = row.Deadline ?? flags.Deadline,
        MaxAttempts = row.MaxAttempts ?? flags.MaxAttempts,
        Tags = row.Tags ?? flags.Tags,
    };

    private async Task<string> ReadAsync(string file, CancellationToken cancellationToken)
    {
        try
        {
            return file == "-" ? await _context.Input.ReadToEndAsync(cancellationToken) : await File.ReadAllTextAsync(file, cancellationToken);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw CommandException.BadInput($"'{file}' cannot be read: {failure.Message}", failure);
        }
    }
}
