using System.CommandLine;
using System.Globalization;
using BatchGen.Composition;
using BatchGen.Core.Jobs;
using BatchGen.Core.Texts;
using BatchGen.Dashboard.Api;
using BatchGen.Output;
using BatchGen.Queue.Jobs;

namespace BatchGen.Commands;

/// <summary><c>batchgen jobs</c>: lists, shows, cancels and retries jobs.</summary>
internal static class JobsCommand
{
    private const int MaxListed = 10_000;
    private const int MaxRangeLength = 1_000_000;
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
        var json = JsonOutput.LinesOption();
        var command = new Command("jobs", "List jobs, newest first; look at one, cancel or retry some.")
        {
            state, campaign, signature, before, limit, json, CreateShow(context), CreateCancel(context), CreateRetry(context),
        };
        command.SetAction(async (arguments, cancellationToken) =>
        {
            var most = CheckedArguments.Within(arguments, limit, 1, MaxListed);
            var code = arguments.GetValue(state);
            var filter = new JobFilter(
                code is null ? null : JobStates.Parse(code), arguments.GetValue(campaign), arguments.GetValue(signature),
                arguments.GetValue(before), most);
            await using var session = await QueueSession.OpenAsync(context, arguments, cancellationToken);
            var jobs = await session.Jobs.ListAsync(filter, cancellationToken);
            if (arguments.GetValue(json)) await JsonOutput.WriteLinesAsync(context, jobs.Select(JobView.Of));
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
        var id = new Argument<long>("ID") { Description = "Id of the job." };
        var json = JsonOutput.ObjectOption();
        var command = new Command("show", "Print everything known about one job.") { id, json };
        command.SetAction(async (arguments, cancellationToken) =>
        {
            await using var session = await QueueSession.OpenAsync(context, arguments, cancellationToken);
            var job = await session.Jobs.FindAsync(arguments.GetValue(id), cancellationToken)
                ?? throw CommandException.Failed($"There is no job {arguments.GetValue(id)}.");
            if (arguments.GetValue(json)) await JsonOutput.WriteIndentedAsync(context, JobView.Of(job));
            else PrintJob(job, context);
            return ExitCodes.Success;
        });
        HelpWithExamples.Add(command, "batchgen jobs show 1234", "batchgen jobs show 1234 --json");
        return command;
    }

    private static Command CreateCancel(ProgramContext context) => CreateChange(
        context,
        new JobChange(
            "cancel",
            "Cancel jobs that have not ended; a running one is dropped between two steps.",
            "Cancelled",
            "had ended already or do not exist",
            (jobs, ids, cancellationToken) => jobs.CancelAsync(ids, cancellationToken)));

    private static Command CreateRetry(ProgramContext context) => CreateChange(
        context,
        new JobChange(
            "retry",
            "Requeue failed or cancelled jobs with fresh attempts.",
            "Requeued",
            "are neither failed nor cancelled, or do not exist",
            (jobs, ids, cancellationToken) => jobs.RetryAsync(ids, cancellationToken)));

    private static Command CreateChange(ProgramContext context, JobChange change)
    {
        var list = new Argument<string[]>("ID") { Arity = ArgumentArity.OneOrMore, Description = "Ids, or ranges such as 10-20." };
        var json = JsonOutput.ObjectOption("Print {\"job_ids\":[...]} of the jobs changed.");
        var command = new Command(change.Name, change.Description) { list, json };
        command.SetAction(async (arguments, cancellationToken) =>
        {
            var ids = arguments.GetRequiredValue(list).SelectMany(ParseIds).Distinct().ToArray();
            await using var session = await QueueSession.OpenAsync(context, arguments, cancellationToken);
            var changed = await change.ApplyAsync(session.JobActions, ids, cancellationToken);
            if (arguments.GetValue(json)) await JsonOutput.WriteLineAsync(context, new { job_ids = changed });
            else if (changed.Count > 0) await context.Output.WriteLineAsync(Describe(change, changed));
            var unchanged = ids.Except(changed).Order().ToArray();
            if (unchanged.Length > 0) await context.Error.WriteLineAsync($"batchgen: {Printable.Ids(unchanged)} {change.Refusal}.");
            return unchanged.Length == 0 ? ExitCodes.Success : ExitCodes.Failed;
        });
        HelpWithExamples.Add(command, $"batchgen jobs {change.Name} 1234", $"batchgen jobs {change.Name} 1234 1240-1260");
        return command;
    }

    private static string Describe(JobChange change, IReadOnlyList<long> changed) =>
        $"{change.Done} {changed.Count} {(changed.Count == 1 ? "job" : "jobs")}: {Printable.Ids(changed.Order())}";

    /// <summary>Reads <c>12</c> or <c>10-20</c>.</summary>
    internal static IEnumerable<long> ParseIds(string text)
    {
        var parts = text.Split('-');
        if (parts.Length is 1 or 2 && parts.All(part => long.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out _)))
        {
            var (first, last) = (long.Parse(parts[0], CultureInfo.InvariantCulture), long.Parse(parts[^1], CultureInfo.InvariantCulture));
            if (last >= first && last - first < MaxRangeLength) return Enumerable.Range(0, (int)(last - first) + 1).Select(i => first + i);
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

        var table = new TextTable("ID", "STATE", "CREATED", "CAMPAIGN", "SIGNATURE", "SEED", "PROMPT OR ERROR");
        foreach (var job in jobs)
        {
            table.Add(
                job.JobId.ToString(CultureInfo.InvariantCulture),
                job.State.ToCode(),
                FormatTime(job.CreatedAt, "yyyy-MM-dd HH:mm", context),
                job.Campaign ?? "-",
                job.Recipe.Signature.ToString(),
                job.Recipe.Seed.ToString(CultureInfo.InvariantCulture),
                job.State == JobState.Failed ? $"{job.FailureCode}: {job.FailureMessage}" : job.Recipe.Prompt);
        }

        table.Print(context);
    }

    private static void PrintJob(JobDetails job, ProgramContext context)
    {
        var lines = new LabelledLines(context.Output);
        void Line(string label, object? value) => lines.Add(label, value switch
        {
            null => null,
            DateTimeOffset instant => FormatTime(instant, "yyyy-MM-dd HH:mm:ss zzz", context),
            IFormattable formattable => formattable.ToString(null, CultureInfo.InvariantCulture),
            _ => value.ToString(),
        });

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
        Line("image", $"{image.RelativePath} ({Quantities.Size(image.SizeBytes)})");
        Line("sha-256", image.Sha256);
        Line("verified", image.VerifiedAt is { } verified ? verified : "not yet");
    }

    private static string FormatTime(DateTimeOffset instant, string format, ProgramContext context) =>
        TimeZoneInfo.ConvertTime(instant, context.Clock.LocalTimeZone).ToString(format, CultureInfo.InvariantCulture);

    /// <summary>A command that changes jobs.</summary>
    /// <param name="Name">Name of the command.</param>
    /// <param name="Description">What it does.</param>
    /// <param name="Done">First word of the line about the jobs changed.</param>
    /// <param name="Refusal">Why the other jobs were not changed.</param>
    /// <param name="ApplyAsync">Changes jobs and returns the ids of those changed.</param>
    private sealed record JobChange(
        string Name,
        string Description,
        string Done,
        string Refusal,
        Func<JobActions, IReadOnlyList<long>, CancellationToken, Task<IReadOnlyList<long>>> ApplyAsync);
}
