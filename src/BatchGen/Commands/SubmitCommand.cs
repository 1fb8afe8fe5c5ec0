using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using BatchGen.Composition;
using BatchGen.Core.Jobs;
using BatchGen.Core.Rendering;
using BatchGen.Core.Submitting;
using BatchGen.Dashboard.Api;
using BatchGen.Output;

namespace BatchGen.Commands;

/// <summary><c>batchgen submit</c>: puts jobs into the queue, from flags or from a file.</summary>
internal sealed class SubmitCommand
{
    // One transaction each: large enough to be fast, small enough that a refusal comes soon.
    private readonly Argument<string?> _file = new("FILE") { Arity = ArgumentArity.ZeroOrOne, Description = "Jobs as .csv, .json or .jsonl; '-' reads standard input." };
    private readonly Option<string[]> _prompts = new("--prompt", "-p") { Description = "What to draw; {red|blue} draws both, \\{ is a brace; may be given several times. With a FILE: the prompt of rows that have none." };
    private readonly Option<string?> _negative = new("--negative", "-n") { Description = "What to keep away from." };
    private readonly Option<string?> _model = new("--model", "-m") { Description = "Registered model; may be left out when there is only one." };
    private readonly Option<string[]> _adapters = new("--adapter", "-a") { Description = "Adapter as name, name@strength, name@unet:text_encoder or name@strength[block,block,...]; may be given several times." };
    private readonly Option<int?> _width = new("--width") { Description = "Width in pixels, a multiple of 8; default: the model's own." };
    private readonly Option<int?> _height = new("--height") { Description = "Height in pixels, a multiple of 8; default: the model's own." };
    private readonly Option<int?> _steps = new("--steps") { Description = "Denoising steps, 1 to 1000; default 20." };
    private readonly Option<string?> _sampler = new("--sampler") { Description = $"Sampler; default ddim. One of: {string.Join(", ", SamplerNames.All)}." };
    private readonly Option<double?> _guidance = new("--guidance") { Description = "Guidance scale; default 7.5." };
    private readonly Option<double?> _rescale = new("--guidance-rescale") { Description = "Share of rescaled guidance, 0 to 1; default 0." };
    private readonly Option<string?> _startImage = new("--start-image") { Description = "Picture to start from: a PNG, WebP or JPEG file, copied to where workers find it, or the name of one there." };
    private readonly Option<double?> _strength = new("--strength") { Description = "How much of the start picture is drawn anew, above 0 to 1; default 0.8." };
    private readonly Option<long?> _seed = new("--seed") { Description = "Noise seed; default: drawn for each job." };
    private readonly Option<string?> _seeds = new("--seeds") { Description = "Several seeds, each for every prompt, for example 1-10,20." };
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
            submit._guidance, submit._rescale, submit._startImage, submit._strength, submit._seed, submit._seeds, submit._count, submit._format, submit._clipSkip, submit._priority, submit._campaign, submit._runAt, submit._deadline,
            submit._maxAttempts, submit._tags, submit._key, submit._json, submit._ids,
        };
        command.SetAction(submit.RunAsync);
        HelpWithExamples.Add(
            command,
            "batchgen submit --prompt \"a big red circle on a blue background\" --adapter demo-neon@0.8 --count 4 --seed 1",
            "batchgen submit --prompt \"a {red|blue} {circle|star}\" --seeds 1-10,20      44 jobs",
            "batchgen submit --prompt \"a castle\" --start-image sketch.png --strength 0.6",
            "batchgen submit tonight.csv --campaign tonight --run-at 22:00      flags fill in what rows leave out",
            "batchgen submit colours.csv --prompt \"a {colour} star\"             a column named {colour} fills it in",
            "printf '{\"prompt\":\"a yellow star\"}\\n' | batchgen submit - --json",
            "CSV columns: prompt,negative_prompt,model,adapters,width,height,steps,sampler,guidance_scale,seed,seeds,count,start_image,strength,format,priority,campaign,tags,...");
        return command;
    }

    private async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken)
    {
        var jobs = await CollectAsync(arguments, cancellationToken);
        await using var session = await QueueSession.OpenAsync(_context, arguments, cancellationToken);
        var ids = await session.Submitter.SubmitAllAsync(jobs, cancellationToken);
        if (arguments.GetValue(_json)) await _context.Output.WriteLineAsync(JsonSerializer.Serialize(new { job_ids = ids }, ApiJson.Compact));
        else if (arguments.GetValue(_ids)) foreach (var id in ids) await _context.Output.WriteLineAsync(id.ToString(CultureInfo.InvariantCulture));
        else await _context.Output.WriteLineAsync(ids.Count == 1 ? $"Submitted job {ids[0]}" : $"Submitted {ids.Count} jobs: {Printable.Ids(ids)}");
        return ExitCodes.Success;
    }

    // Everything is read and counted here; the jobs themselves are made while they are submitted.
    private async Task<IEnumerable<JobRequest>> CollectAsync(ParseResult arguments, CancellationToken cancellationToken)
    {
        var flags = ReadFlags(arguments);
        var prompts = arguments.GetValue(_prompts) ?? [];
        if (arguments.GetValue(_count) is < 1 or > JobTemplate.MaxJobs) throw CommandException.BadInput($"--count {flags.Count}: expected 1 to {JobTemplate.MaxJobs}.");
        if (arguments.GetValue(_file) is not { } file)
        {
            if (prompts.Length == 0) throw CommandException.BadInput("Nothing to submit: give --prompt TEXT or a FILE. 'batchgen submit --help' shows examples.");
            if (prompts.Length > 1 && flags.Job.IdempotencyKey is not null) throw CommandException.BadInput("--idempotency-key names one job; it cannot be shared by several prompts.");
            var expansions = prompts.Select(prompt => Expand(flags with { Job = flags.Job with { Prompt = prompt } })).ToArray();
            return expansions.SelectMany(expansion => expansion.Jobs());
        }

        if (prompts.Length > 1) throw CommandException.BadInput("Give one --prompt with a FILE: it is the prompt of rows that have none. For several prompts give no FILE, or a column 'prompt'.");
        if (prompts.Length == 1) flags = flags with { Job = flags.Job with { Prompt = prompts[0] } };
        if (flags.Job.IdempotencyKey is not null) throw CommandException.BadInput("--idempotency-key names one job; put a column 'idempotency_key' into the file.");
        return await WithStartImagesAsync(await ReadAsync(file, flags, cancellationToken), file == "-" ? "" : Path.GetDirectoryName(Path.GetFullPath(file))!);
    }

    private static JobExpansion Expand(JobTemplate template)
    {
        try
        {
            return template.Expand();
        }
        catch (JobTemplateException failure)
        {
            throw CommandException.BadInput($"--{failure.Field}: {failure.Message}", failure);
        }
    }

    private JobTemplate ReadFlags(ParseResult arguments)
    {
        try
        {
            var job = new JobRequest
            {
                NegativePrompt = arguments.GetValue(_negative),
                Model = arguments.GetValue(_model),
                Adapters = arguments.GetValue(_adapters) is { Length: > 0 } adapters ? adapters.SelectMany(AdapterText.Parse).ToArray() : null,
                Width = arguments.GetValue(_width),
                Height = arguments.GetValue(_height),
                Steps = arguments.GetValue(_steps),
                Sampler = arguments.GetValue(_sampler),
                GuidanceScale = arguments.GetValue(_guidance),
                GuidanceRescale = arguments.GetValue(_rescale),
                StartImage = arguments.GetValue(_startImage) is { } startImage ? Store(startImage, "--start-image") : null,
                Strength = arguments.GetValue(_strength),
                Seed = arguments.GetValue(_seed),
                Format = arguments.GetValue(_format),
                ClipSkip = arguments.GetValue(_clipSkip),
                Priority = arguments.GetValue(_priority),
                Campaign = arguments.GetValue(_campaign),
                RunAt = arguments.GetValue(_runAt) is { } runAt ? JobTimes.Parse(runAt, TimeReference.Of(_context.Clock)) : null,
                Deadline = arguments.GetValue(_deadline) is { } deadline ? JobTimes.Parse(deadline, TimeReference.Of(_context.Clock)) : null,
                MaxAttempts = arguments.GetValue(_maxAttempts),
                Tags = arguments.GetValue(_tags) is { Length: > 0 } tags ? tags : null,
                IdempotencyKey = arguments.GetValue(_key),
            };
            return new JobTemplate { Job = job, Seeds = arguments.GetValue(_seeds), Count = arguments.GetValue(_count) };
        }
        catch (FormatException failure)
        {
            throw CommandException.BadInput(failure.Message, failure);
        }
    }

    // Pictures that a list names lie where workers find them, or are files beside the list, which are copied there before the first job is submitted.
    private async Task<IEnumerable<JobRequest>> WithStartImagesAsync(JobList jobs, string beside)
    {
        if (jobs.StartImages.Count == 0) return jobs;
        var folder = StartImages();
        var names = new Dictionary<string, string>(StringComparer.Ordinal);
        var missing = new List<string>();
        foreach (var name in jobs.StartImages)
        {
            var file = Path.Combine(beside, name);
            if (!folder.Has(name) && File.Exists(file)) names[name] = Store(file, "start_image");
            else if (!folder.Has(name)) missing.Add(name);
        }

        // No refusal: workers may have them on another machine. What cannot be a name at all the database refuses.
        if (missing.Count > 0)
        {
            var which = $"'{Printable.Line(missing[0], 200)}'{(missing.Count > 1 ? $" and {missing.Count - 1} more" : "")}";
            await _context.Error.WriteLineAsync(
                $"batchgen: not in '{WorkerHost.StartImageFolder(Settings.Read(_context))}' on this machine: start picture {which}. Jobs fail where their worker does not find it.");
        }

        return names.Count == 0 ? jobs : jobs.Select(job => job.StartImage is { } name && names.TryGetValue(name, out var stored) ? job with { StartImage = stored } : job);
    }

    private StartImageFolder StartImages() => new(WorkerHost.StartImageFolder(Settings.Read(_context)));

    // A file is copied to where workers find it; anything else must be there already.
    private string Store(string fileOrName, string field)
    {
        var folder = StartImages();
        try
        {
            if (!File.Exists(fileOrName) && folder.Has(fileOrName)) return fileOrName;
            if (new FileInfo(fileOrName) is { Exists: true, Length: > StartImageFolder.MaxFileBytes })
                throw CommandException.BadInput($"{field}: '{fileOrName}' has more than {StartImageFolder.MaxFileBytes >> 20} MB; save it smaller.");
            return folder.Add(File.ReadAllBytes(fileOrName), fileOrName);
        }
        catch (StartImageException failure)
        {
            throw CommandException.BadInput($"{field}: {failure.Message}", failure);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw CommandException.BadInput($"{field}: '{fileOrName}' cannot be read: {failure.Message}", failure);
        }
    }

    // A file is read twice; standard input and pipes can be read only once, and are kept.
    private async Task<JobList> ReadAsync(string file, JobTemplate flags, CancellationToken cancellationToken)
    {
        try
        {
            if (file == "-") return JobFile.Read(await _context.Input.ReadToEndAsync(cancellationToken), file, TimeReference.Of(_context.Clock), flags);
            using var reader = new StreamReader(file);
            return reader.BaseStream.CanSeek ? JobFile.Read(() => new StreamReader(file), file, TimeReference.Of(_context.Clock), flags)
                : JobFile.Read(await reader.ReadToEndAsync(cancellationToken), file, TimeReference.Of(_context.Clock), flags);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw CommandException.BadInput($"'{file}' cannot be read: {failure.Message}", failure);
        }
    }
}
