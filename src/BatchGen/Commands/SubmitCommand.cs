using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using BatchGen.Composition;
using BatchGen.Core.Files;
using BatchGen.Core.Jobs;
using BatchGen.Core.Submitting;
using BatchGen.Dashboard.Api;
using BatchGen.Imaging;
using BatchGen.Output;
using BatchGen.Queue;

namespace BatchGen.Commands;

/// <summary><c>batchgen submit</c>: puts jobs into the queue, from flags or from a file.</summary>
internal sealed class SubmitCommand
{
    // What can be read only once is kept in memory; a device may never end.
    private const int MostLettersOfPipe = 256 << 20;

    private readonly Argument<string?> _file = new("FILE")
    {
        Arity = ArgumentArity.ZeroOrOne, Description = "Jobs as .csv, .json or .jsonl; '-' reads standard input.",
    };
    private readonly Dictionary<JobField, Option> _flags =
        JobFields.All.Where(field => field.IsSetBy(JobFieldWays.Flags)).ToDictionary(field => field, FlagOf);

    private readonly Option<bool> _json = new("--json") { Description = "Print {\"job_ids\":[...]}." };
    private readonly Option<bool> _ids = new("--ids") { Description = "Print one id per line." };

    private readonly ProgramContext _context;

    // Files to be copied into the folder of start images once the database has accepted them for the tenant.
    private readonly List<(AcceptedStartImage Image, string File)> _startImages = [];

    // The rows of a file; null where the jobs come from flags.
    private JobList? _list;

    private SubmitCommand(ProgramContext context) => _context = context;

    /// <summary>Makes the command with its flags.</summary>
    public static Command Create(ProgramContext context)
    {
        var submit = new SubmitCommand(context);
        var command = new Command(
            "submit",
            "Put jobs into the queue, from flags or from a file; all of a file's jobs are checked before the first is submitted.")
        {
            submit._file, submit._json, submit._ids,
        };
        foreach (var flag in submit._flags.Values) command.Add(flag);
        command.SetAction(submit.RunAsync);
        HelpWithExamples.Add(
            command,
            "batchgen submit --prompt \"a big red circle on a blue background\" --adapter demo-neon@0.8 --count 4 --seed 1",
            "batchgen submit --prompt \"a {red|blue} {circle|star}\" --seeds 1-10,20      44 jobs",
            "batchgen submit --prompt \"a castle\" --start-image sketch.png --strength 0.6",
            "batchgen submit tonight.csv --campaign tonight --run-at 22:00      flags fill in what rows leave out",
            "batchgen submit colours.csv --prompt \"a {colour} star\"             a column named {colour} fills it in",
            "printf '{\"prompt\":\"a yellow star\"}\\n' | batchgen submit - --json",
            $"CSV columns: {string.Join(',', JobFile.FieldNames)}");
        return command;
    }

    private async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken)
    {
        var jobs = await CollectAsync(arguments, cancellationToken);
        await using var session = await QueueSession.OpenAsync(_context, arguments, cancellationToken);
        await SendStartImagesAsync(session, cancellationToken);
        var ids = await SubmitAsync(session, jobs, cancellationToken);
        await PrintAsync(ids, arguments);
        return ExitCodes.Success;
    }

    // People look for rows of their file, not for numbers of jobs.
    private async Task<IReadOnlyList<long>> SubmitAsync(
        QueueSession session, IEnumerable<JobRequest> jobs, CancellationToken cancellationToken)
    {
        try
        {
            return await session.Submitter.SubmitAllAsync(jobs, cancellationToken);
        }
        catch (SubmitRefusedException refused) when (_list is not null)
        {
            throw new SubmitRefusedException(_list.Locate(refused.Message), refused);
        }
    }

    private async Task PrintAsync(IReadOnlyList<long> ids, ParseResult arguments)
    {
        if (arguments.GetValue(_json))
        {
            await _context.Output.WriteLineAsync(JsonSerializer.Serialize(new { job_ids = ids }, ApiJson.Compact));
        }
        else if (arguments.GetValue(_ids))
        {
            foreach (var id in ids) await _context.Output.WriteLineAsync(id.ToString(CultureInfo.InvariantCulture));
        }
        else
        {
            var submitted = ids.Count == 1 ? $"Submitted job {ids[0]}" : $"Submitted {ids.Count} jobs: {Printable.Ids(ids)}";
            await _context.Output.WriteLineAsync(submitted);
        }
    }

    // All rows are read, checked and counted here; the jobs are made while they are submitted.
    private async Task<IEnumerable<JobRequest>> CollectAsync(ParseResult arguments, CancellationToken cancellationToken)
    {
        var flags = ReadFlags(arguments);
        var prompts = Texts(arguments, _flags[JobFields.Prompt]);
        if (flags.Count is < 1 or > JobTemplate.MaxJobs)
            throw CommandException.BadInput($"--count {flags.Count}: expected 1 to {JobTemplate.MaxJobs}.");
        return arguments.GetValue(_file) is { } file
            ? await CollectFromFileAsync(file, flags, prompts, cancellationToken)
            : CollectFromPrompts(flags, prompts);
    }

    private static IEnumerable<JobRequest> CollectFromPrompts(JobTemplate flags, string[] prompts)
    {
        if (prompts.Length == 0)
            throw CommandException.BadInput("Nothing to submit: give --prompt TEXT or a FILE. 'batchgen submit --help' shows examples.");
        if (prompts.Length > 1 && flags.Job.IdempotencyKey is not null)
            throw CommandException.BadInput("--idempotency-key names one job; it cannot be shared by several prompts.");
        var expansions = prompts.Select(prompt => Expand(flags with { Job = flags.Job with { Prompt = prompt } })).ToArray();
        return expansions.SelectMany(expansion => expansion.Jobs());
    }

    private async Task<IEnumerable<JobRequest>> CollectFromFileAsync(
        string file, JobTemplate flags, string[] prompts, CancellationToken cancellationToken)
    {
        if (prompts.Length > 1)
        {
            throw CommandException.BadInput(
                "Give one --prompt with a FILE: it is the prompt of rows that have none. "
                + "For several prompts give no FILE, or a column 'prompt'.");
        }

        if (prompts.Length == 1) flags = flags with { Job = flags.Job with { Prompt = prompts[0] } };
        if (flags.Job.IdempotencyKey is not null)
            throw CommandException.BadInput("--idempotency-key names one job; put a column 'idempotency_key' into the file.");
        var folder = file == "-" ? "" : Path.GetDirectoryName(Path.GetFullPath(file))!;
        _list = await ReadAsync(file, flags, cancellationToken);
        return await WithStartImagesAsync(_list, folder);
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

    // Flags of lists and the prompt may be given several times, every other flag once.
    private static Option FlagOf(JobField field)
    {
        var several = field == JobFields.Prompt || field.Type is JobFieldType.Words or JobFieldType.Adapters;
        Option flag = several
            ? new Option<string[]>(field.Flag) { Description = HelpOf(field) + " May be given several times." }
            : new Option<string?>(field.Flag) { Description = HelpOf(field) };
        if (field.ShortFlag is { } letter) flag.Aliases.Add($"-{letter}");
        return flag;
    }

    private static string HelpOf(JobField field)
    {
        if (field == JobFields.Prompt)
            return "What to draw; {red|blue} draws both, \\{ is a brace. With a FILE: the prompt of rows that have none.";
        if (field == JobFields.StartImage)
            return "Image to start from: a PNG, WebP or JPEG file, copied to where workers find it, or the name of one there.";
        return field.Type == JobFieldType.Instant ? $"{field.FullHelp} As {JobTimes.Forms}." : field.FullHelp;
    }

    private static string[] Texts(ParseResult arguments, Option flag) =>
        [.. arguments.GetResult(flag)?.Tokens.Select(token => token.Value) ?? []];

    private JobTemplate ReadFlags(ParseResult arguments)
    {
        var times = TimeReference.Of(_context.Clock);
        var template = new JobTemplate { Job = new JobRequest() };
        foreach (var (field, flag) in _flags)
        {
            if (field == JobFields.Prompt || Texts(arguments, flag) is not { Length: > 0 } texts) continue;
            try
            {
                template = template.With(field, field.Type switch
                {
                    JobFieldType.Words => texts,
                    JobFieldType.Adapters => texts.SelectMany(AdapterText.Parse).ToArray(),
                    JobFieldType.Image => Choose(texts[0], field.Flag),
                    _ => FieldValue.Of(texts[0], times).Read(field),
                });
            }
            catch (FormatException failure)
            {
                var end = failure.Message[^1] is '.' or '?' ? "" : ".";
                throw CommandException.BadInput($"{field.Flag}: {failure.Message}{end}", failure);
            }
        }

        return template;
    }

    // A start image that a list names is in the folder where workers read them, or is a file beside the list; files are copied into the
    // folder before the first job is submitted.
    private async Task<IEnumerable<JobRequest>> WithStartImagesAsync(JobList jobs, string beside)
    {
        if (jobs.StartImages.Count == 0) return jobs;
        var folder = StartImages();
        var names = new Dictionary<string, string>(StringComparer.Ordinal);
        var missing = new List<string>();
        foreach (var name in jobs.StartImages)
        {
            var file = Path.Combine(beside, name);
            if (folder.Has(name)) CheckKept(name, "start_image");
            else if (File.Exists(file)) names[name] = Choose(file, "start_image");
            else missing.Add(name);
        }

        // Missing images are not refused, because workers on another machine may have them; the database refuses texts that cannot be
        // names.
        if (missing.Count > 0)
        {
            var which = $"'{Printable.Line(missing[0], 200)}'{(missing.Count > 1 ? $" and {missing.Count - 1} more" : "")}";
            await _context.Error.WriteLineAsync(
                $"batchgen: not in '{WorkerHost.StartImageFolder(Settings.Read(_context))}' on this machine: start image {which}. "
                + "Jobs fail where their worker does not find it.");
        }

        if (names.Count == 0) return jobs;
        return jobs.Select(job =>
            job.StartImage is { } name && names.TryGetValue(name, out var stored) ? job with { StartImage = stored } : job);
    }

    private StartImageFolder StartImages()
    {
        var settings = Settings.Read(_context);
        return new(WorkerHost.StartImageFolder(settings), file => ImageEncoder.Decode(file), settings.Options.Worker.ImageFolderAccess);
    }

    // The name of a start image in the folder where workers read them. A file is copied there before the first job is submitted; any other
    // name must be in the folder already.
    private string Choose(string fileOrName, string field) => Reading(fileOrName, field, () =>
    {
        var folder = StartImages();
        if (!File.Exists(fileOrName) && folder.Has(fileOrName)) return CheckKept(fileOrName, field);
        var accepted = folder.Accept(StartImageFolder.ReadFile(fileOrName, fileOrName), fileOrName);
        _startImages.Add((accepted, fileOrName));
        return accepted.Name;
    });

    private string CheckKept(string name, string field) => Reading(name, field, () =>
    {
        StartImages().CheckKept(name);
        return name;
    });

    private async Task SendStartImagesAsync(QueueSession session, CancellationToken cancellationToken)
    {
        var folder = StartImages();
        foreach (var (image, file) in _startImages)
        {
            await session.StartImages.KeepAsync(
                image.Name, image.SizeBytes, tenant: null,
                () => Reading(file, JobFields.StartImage.Name, () =>
                {
                    folder.Write(image, StartImageFolder.ReadFile(file, file), file);
                    return image.Name;
                }),
                cancellationToken);
        }
    }

    private static string Reading(string file, string field, Func<string> read)
    {
        try
        {
            return read();
        }
        catch (StartImageException failure)
        {
            throw CommandException.BadInput($"{field}: {failure.Message}", failure);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw CommandException.BadInput($"{field}: '{file}' cannot be read: {failure.Message}", failure);
        }
    }

    // A file is read twice; standard input and pipes can be read only once, so their text is kept.
    private async Task<JobList> ReadAsync(string file, JobTemplate flags, CancellationToken cancellationToken)
    {
        var times = TimeReference.Of(_context.Clock);
        try
        {
            if (file == "-") return JobFile.Read(await ReadOnceAsync(_context.Input, file, cancellationToken), file, times, flags);
            // A named pipe opens when somebody writes to it.
            using var reader = await Task.Run(() => Open(file), cancellationToken).WaitAsync(cancellationToken);
            // A device may say that it can be read twice, and brings other text then.
            return reader.BaseStream.CanSeek && RegularFile.KindOf(file) is null
                ? JobFile.Read(() => Open(file), file, times, flags)
                : JobFile.Read(await ReadOnceAsync(reader, file, cancellationToken), file, times, flags);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw CommandException.BadInput($"'{file}' cannot be read: {failure.Message}", failure);
        }
        catch (DecoderFallbackException failure)
        {
            throw CommandException.BadInput($"'{file}' is not text in UTF-8. Save it as UTF-8, then submit it again.", failure);
        }
    }

    private static async Task<string> ReadOnceAsync(TextReader reader, string file, CancellationToken cancellationToken)
    {
        var text = new StringBuilder();
        var part = new char[1 << 16];
        while (await reader.ReadAsync(part, cancellationToken).AsTask().WaitAsync(cancellationToken) is var count and > 0)
        {
            if (text.Length + count > MostLettersOfPipe)
            {
                throw CommandException.BadInput($"'{file}' brings more than {MostLettersOfPipe >> 20} Mi letters and cannot be read twice. "
                    + "Expected a list of jobs; write a longer one into a file.");
            }

            text.Append(part, 0, count);
        }

        return text.ToString();
    }

    // Bytes that are no text are refused: a prompt with replacement characters would be drawn as something else.
    private static StreamReader Open(string file) => new(file, new UTF8Encoding(false, throwOnInvalidBytes: true));
}
