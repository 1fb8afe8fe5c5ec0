using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using BatchGen.Composition;
using BatchGen.Core.Jobs;
using BatchGen.Dashboard.Api;
using BatchGen.Output;
using BatchGen.Queue.Jobs;

namespace BatchGen.Commands;

/// <summary><c>batchgen jobs</c>: lists, shows, cancels and retries jobs.</summary>
internal static class JobsCommand
{
    private static readonly string[] States = JobStates.ByCode.Keys.ToArray();

    /// <summary>Makes the command.</summary>
    public static Command Create(ProgramContext context)
    {
        var state = new Option<string?>("--state") { Description = $"Only jobs that are {string.Join(", ", States)}." };
        state.AcceptOnlyFromAmong(States);
        var campaign = new Option<string?>("--campaign", "-c") { Description = "Only this campaign." };
        var signature = new Option<string?>("--signature") { Description = "Only this signature, for example 'demo|demo-neon@0.8'." };
        var before = new Option<long?>("--before") { Description = "Only ids below this one: the next page." };
        var limit = new Option<int>("--limit") { Description = "At most this many, newest first.", DefaultValueFactory = _ => 20 };
        var json = new Option<bool>("--json") { Description = "Print one JSON object per line." };
        var command = new Command("jobs", "List jobs, newest first; look at one, cancel or retry some.")
        {
            state, campaign, signature, before, limit, json, CreateShow(context), CreateCancel(context), CreateRetry(context),
        };
        command.SetAction(async (arguments, cancellationToken) =>
        {
            var most = arguments.GetValue(limit);
            if (most is < 1 or > 10_000) throw CommandException.BadInput($"--limit {most}: expected 1 to 10000.");
            var filter = new JobFilter(
                arguments.GetValue(state) is { } code ? JobStates.Parse(code) : null, arguments.GetValue(campaign), arguments.GetValue(signature), arguments.GetValue(before), most);
            await using var session = await QueueSession.OpenAsync(context, arguments.GetValue(CommandLine.Verbose), cancellationToken);
            var jobs = await session.Get<JobCatalog>().ListAsync(filter, cancellationToken);
            if (arguments.GetValue(json)) foreach (var job in jobs) await context.Output.WriteLineAsync(JsonSerializer.Serialize(JobView.Of(job), ApiJson.Compact));
            else PrintList(jobs, context);
            return ExitCodes.Success;
        });
        HelpWithExamples.Add(
            command,
            "batchgen jobs --state failed --campaign tonight",
            "batchgen jobs show 1234",
            "batchgen jobs cancel 1234 1240-1260",
            "batchgen jobs retry 1234",
            "batchgen jobs --state failed --limit 1000 --json | jq .failure_message");
        return command;
    }

    private static Command CreateShow(ProgramContext context)
    {
        var id = new Argument<long>("ID") { Description = "The job." };
        var json = new Option<bool>("--json") { Description = "Print JSON." };
        var command = new Command("show", "Everything known about one job.") { id, json };
        command.SetAction(async (arguments, cancellationToken) =>
        {
            await using var session = await QueueSession.OpenAsync(context, arguments.GetValue(CommandLine.Verbose), cancellationToken);
            var job = await session.Get<JobCatalog>().FindAsync(arguments.GetValue(id), cancellationToken)
                ?? throw CommandException.Failed($"There is no job {arguments.GetValue(id)}.");
            if (arguments.GetValue(json)) await context.Output.WriteLineAsync(JsonSerializer.Serialize(JobView.Of(job), ApiJson.Indented));
            else PrintJob(job, context);
            return ExitCodes.Success;
        });
        HelpWithExamples.Add(command, "batchgen jobs show 1234", "batchgen jobs show 1234 --json");
        return command;
    }

    private static Command CreateCancel(ProgramContext context) => CreateChange(
        context, "cancel", "Cancel jobs that have not ended; a running one is dropped between two steps.", "Cancelled", "had ended already or do not exist",
        (actions, ids, cancellationToken) => actions.CancelAsync(ids, cancellationToken));

    private static Command CreateRetry(ProgramContext context) => CreateChange(
        context, "retry", "Put failed or cancelled jobs back with fresh attempts.", "Put back", "are neither failed nor cancelled, or do not exist",
        (actions, ids, cancellationToken) => actions.RetryAsync(ids, cancellationToken));

    private static Command CreateChange(
        ProgramContext context, string name, string description, string done, string notDone, Func<JobActions, IReadOnlyList<long>, CancellationToken, Task<IReadOnlyList<long>>> change)
    {
        var list = new Argument<string[]>("ID") { Arity = ArgumentArity.OneOrMore, Description = "Ids, or ranges such as 10-20." };
        var json = new Option<bool>("--json") { Description = "Print {\"job_ids\":[...]} of the jobs changed." };
        var command = new Command(name, description) { list, json };
        command.SetAction(async (arguments, cancellationToken) =>
        {
            var ids = arguments.GetRequiredValue(list).SelectMany(ParseIds).Distinct().ToArray();
            await using var session = await QueueSession.OpenAsync(context, arguments.GetValue(CommandLine.Verbose), cancellationToken);
            var changed = await change(session.Get<JobActions>(), ids, cancellationToken);
            if (arguments.GetValue(json)) await context.Output.WriteLineAsync(JsonSerializer.Serialize(new { job_ids = changed }, ApiJson.Compact));
            else if (changed.Count > 0) await context.Output.WriteLineAsync($"{done} {changed.Count} {(changed.Count == 1 ? "job" : "jobs")}: {Printable.Ids(changed.Order())}");
            var rest = ids.Except(changed).Order().ToArray();
            if (rest.Length > 0) await context.Error.WriteLineAsync($"batchgen: {Printable.Ids(rest)} {notDone}.");
            return rest.Length == 0 ? ExitCodes.Success : ExitCodes.Failed;
        });
        HelpWithExamples.Add(command, $"batchgen jobs {name} 1234", $"batchgen jobs {name} 1234 1240-1260");
        return command;
    }

    /// <summary>Reads <c>12</c> or <c>10-20</c>.</summary>
    internal static IEnumerable<long> ParseIds(string text)
    {
        var parts = text.Split('-');
        if (parts.Length is 1 or 2 && parts.All(part => long.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out _)))
        {
            var (first, last) = (long.Parse(parts[0], CultureInfo.InvariantCulture), long.Parse(parts[^1], CultureInfo.InvariantCulture));
            if (last >= first && last - first < 1_000_000) return Enumerable.Range(0, (int)(last - first) + 1).Select(i => first + i);
        }

        throw CommandException.BadInput($"'{text}' is not a job id or a range such as 10-20 (at most a million ids).");
    }

    private static void PrintList(IReadOnlyList<JobDetails> jobs, ProgramContext context)
    {
        if (jobs.Count == 0)
        {
            context.Error.WriteLine("No jobs.");
            return;
        }

        var table = new PlainTable("ID", "STATE", "CREATED", "CAMPAIGN", "SIGNATURE", "SEED", "PROMPT OR ERROR");
        foreach (var job in jobs)
        {
            var created = TimeZoneInfo.ConvertTime(job.CreatedAt, context.Clock.LocalTimeZone).ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);
            table.Add(job.JobId.ToString(CultureInfo.InvariantCulture), job.State.ToCode(), created, job.Campaign ?? "-", job.Recipe.Signature.ToString(),
                job.Recipe.Seed.ToString(CultureInfo.InvariantCulture), job.State == JobState.Failed ? $"{job.FailureCode}: {job.FailureMessage}" : job.Recipe.Prompt);
        }

        table.Print(context);
    }

    private static void PrintJob(JobDetails job, ProgramContext context)
    {
        void Line(string name, object? value)
        {
            var text = value switch
            {
                null => null,
                DateTimeOffset instant => TimeZoneInfo.ConvertTime(instant, context.Clock.LocalTimeZone).ToString("yyyy-MM-dd HH:mm:ss zzz", CultureInfo.InvariantCulture),
                IFormattable formattable => formattable.ToString(null, CultureInfo.InvariantCulture),
                _ => value.ToString(),
            };
            if (text is not null) context.Output.WriteLine($"{name,-18}{Printable.Lines(text).ReplaceLineEndings("\n" + new string(' ', 18))}");
        }

        Line("job", job.JobId);
        Line("state", job.State.ToCode());
        Line("campaign", job.Campaign);
        Line("priority", job.Priority == 0 ? null : job.Priority);
        Line("signature", job.Recipe.Signature);
        var values = RecipeJson.Write(job.Recipe);
        foreach (var field in JobFields.Recipe) Line(field.Label.ToLowerInvariant(), RecipeJson.TextOf(values, field));
        Line("attempts", $"{job.Attempts} of {job.MaxAttempts}");
        Line("created", job.CreatedAt);
        Line("not before", job.RunAt > job.CreatedAt ? job.RunAt : null);
        Line("finished", job.FinishedAt);
        Line("failure", job.FailureCode is null ? null : $"{job.FailureCode}: {job.FailureMessage}");
        if (job.Image is not { } image) return;
        Line("picture", $"{image.RelativePath} ({Printable.Size(image.SizeBytes)})");
        Line("sha-256", image.Sha256);
        Line("verified", image.VerifiedAt is { } verified ? verified : "not yet");
    }
}
