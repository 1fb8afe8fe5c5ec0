using System.Collections.Concurrent;
using System.Globalization;
using BatchGen.Chaos.Audits;
using BatchGen.Chaos.Faults;
using BatchGen.Chaos.Jobs;
using BatchGen.Chaos.Killing;
using BatchGen.Chaos.Processes;
using BatchGen.Chaos.Reports;
using BatchGen.Queue;
using BatchGen.Queue.Upkeep;
using Npgsql;

namespace BatchGen.Chaos;

/// <summary>Runs real workers on real servers under faults, and audits what came of it.</summary>
/// <param name="options">What the run does.</param>
/// <param name="clock">Clock of this machine.</param>
/// <param name="progress">Told in lines what happens.</param>
public sealed class ChaosRun(ChaosOptions options, TimeProvider clock, Action<string> progress)
{
    // Exit codes of docs/operations.md, and that of a process that was asked to stop before it could say so itself.
    private static readonly int[] OrderlyExits = [0, 3, 130, 143];
    private const int LeastWorkers = 2;
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan FaultEndLimit = TimeSpan.FromMinutes(2);

    private readonly ConcurrentQueue<StruckFault> _faults = [];

    /// <summary>A seeded schedule of faults under a steady producer, then the audit.</summary>
    public async Task<ChaosReport> RunFaultsAsync(CancellationToken cancellationToken)
    {
        await using var stage = await Stage.CreateAsync(options, clock, cancellationToken);
        using var supervisors = new SupervisorFaults(stage);
        var kinds = (FaultKind[])
        [
            .. new WorkerFaults(stage).Kinds, .. supervisors.Kinds, .. new ServerFaults(stage).Kinds, .. new LinkFaults(stage).Kinds,
            .. new FileFaults(stage).Kinds,
        ];
        var schedule = FaultSchedule.Draw(options, kinds);
        progress($"Seed {options.Seed}: {schedule.Count} faults of {kinds.Length} kinds in {options.Time.TotalMinutes:0.#} minutes");
        var producer = new Producer(stage.Servers, options.Seed, clock);
        using var faultsOver = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var watch = new UsageWatch(stage.Workers[^1], clock);
        var watching = watch.RunAsync(faultsOver.Token);
        var report = await WithWorkersAsync(stage, producer, async () =>
        {
            var producing = producer.RunAsync(faultsOver.Token, cancellationToken);
            try
            {
                await StrikeAllAsync(schedule, cancellationToken);
            }
            finally
            {
                await faultsOver.CancelAsync();
                await producing;
            }
        }, cancellationToken);
        await watching;
        return report with { Lines = [.. report.Lines, watch.Judge()] };
    }

    /// <summary>Kills a worker at every named point between claim and checkpoint and again while it recovers, then the audit.</summary>
    public async Task<ChaosReport> RunKillingPointsAsync(CancellationToken cancellationToken)
    {
        await using var stage = await Stage.CreateAsync(options, clock, cancellationToken);
        var producer = new Producer(stage.Servers, options.Seed, clock);
        var points = await new KillingRun(stage, producer).RunAsync(LeastWorkers, cancellationToken);
        progress($"{points.What}: {points.Checked - points.Violations.Count} of {points.Checked}");
        var report = await WithWorkersAsync(stage, producer, static () => Task.CompletedTask, cancellationToken);
        return report with { Lines = [points, .. report.Lines] };
    }

    /// <summary>Strikes single faults at chosen moments while nothing else is wrong: kills workers in the middle of a batch and measures
    /// when others draw their jobs, crashes the server, fails over to the standby.</summary>
    public async Task<ChaosReport> RunSingleFaultsAsync(CancellationToken cancellationToken)
    {
        await using var stage = await Stage.CreateAsync(options, clock, cancellationToken);
        var producer = new Producer(stage.Servers, options.Seed, clock);
        var lines = new List<AuditLine>();
        var report = await WithWorkersAsync(stage, producer, async () =>
        {
            var faults = new SingleFaults(stage, producer);
            lines.Add(await faults.CrashServerAsync(cancellationToken));
            lines.Add(await faults.FailOverAsync(cancellationToken));
            lines.Add(await faults.KillWorkersAsync(cancellationToken));
        }, cancellationToken);
        var ended = report.Exits.Where(exit => exit.Reason != WorkerSlot.StopReason && exit.Reason != Signals.NameOf(Signals.Kill));
        lines.Add(new AuditLine("No worker that was not killed had to be started again", options.Workers,
            [.. ended.Select(exit => $"{exit.Worker} ended with {exit.ExitCode}")]));
        return report with { Lines = [.. lines, .. report.Lines] };
    }

    // Workers run while something is done; then all jobs have to end, the queue and files are audited, and the workers are stopped.
    private async Task<ChaosReport> WithWorkersAsync(
        Stage stage, Producer producer, Func<Task> act, CancellationToken cancellationToken)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var keeping = stage.Workers.Select(worker => worker.KeepAsync(Stage.EndLimit, over.Token)).ToArray();
        TimeSpan? drained;
        var lines = new List<AuditLine>();
        try
        {
            await act();
            (drained, var resumed) = await DrainAsync(stage, cancellationToken);
            lines.Add(new AuditLine("No worker set itself aside, and none paused but for a flipped bit", options.Workers, resumed));
            progress(drained is { } time ? $"All jobs ended {Seconds(time)} after the last fault" : "Not all jobs ended");
            lines.AddRange(await QueueAudit.RunAsync(stage.Servers, cancellationToken));
        }
        finally
        {
            await over.CancelAsync();
            await Task.WhenAll(keeping);
        }

        lines.Add(JudgeExits(stage));
        var (imageLines, leftovers, images) = await AuditFilesAsync(stage, producer, cancellationToken);
        lines.AddRange(imageLines);
        var faults = _faults.ToArray();
        _faults.Clear();
        return new ChaosReport(options, faults, stage.Exits)
        {
            Lines = lines, Jobs = producer.Submitted.Count, Cancelled = producer.Cancelled, Images = images, Leftovers = leftovers,
            Drained = drained,
        };
    }

    private async Task StrikeAllAsync(IReadOnlyList<Fault> schedule, CancellationToken cancellationToken)
    {
        var started = clock.GetTimestamp();
        var striking = new List<Task>();
        foreach (var fault in schedule)
        {
            var wait = fault.At - clock.GetElapsedTime(started);
            if (wait > TimeSpan.Zero) await Task.Delay(wait, clock, cancellationToken);
            striking.Add(StrikeAsync(fault, cancellationToken));
        }

        await Task.WhenAll(striking).WaitAsync(FaultEndLimit, clock, cancellationToken);
    }

    private async Task StrikeAsync(Fault fault, CancellationToken cancellationToken)
    {
        var began = clock.GetUtcNow();
        string outcome;
        try
        {
            outcome = await Task.Run(() => fault.Kind.StrikeAsync(fault, cancellationToken), cancellationToken);
        }
#pragma warning disable CA1031 // A fault that could not be done is reported; the run goes on.
        catch (Exception error) when (error is not OperationCanceledException)
#pragma warning restore CA1031
        {
            outcome = StruckFault.Failed + error.Message;
        }

        var struck = new StruckFault(fault.Number, fault.Kind.Name, fault.Worker, began, clock.GetUtcNow() - began, outcome);
        _faults.Enqueue(struck);
        progress(struck.ToString());
    }

    // A person who looks in the morning resumes the workers that paused because a weight or an image differed. Returns how long it took
    // until everything had ended, and which workers had stopped working for no reason of the run.
    private async Task<(TimeSpan? Time, IReadOnlyList<string> Resumed)> DrainAsync(Stage stage, CancellationToken cancellationToken)
    {
        var started = clock.GetTimestamp();
        var resumed = new List<string>();
        while (clock.GetElapsedTime(started) < options.DrainLimit)
        {
            await using var connection = await stage.Servers.ConnectAsync(cancellationToken);
            await using (var resuming = new NpgsqlCommand(ChaosSql.Read("resume_workers"), connection))
            await using (var workers = await resuming.ExecuteReaderAsync(cancellationToken))
            {
                while (await workers.ReadAsync(cancellationToken))
                    if (!workers.GetBoolean(2)) resumed.Add($"{workers.GetString(0)}: {workers.GetString(1)}");
            }

            await using var command = new NpgsqlCommand(ChaosSql.Read("count_open"), connection);
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            await reader.ReadAsync(cancellationToken);
            if (reader.GetInt64(0) == 0 && reader.GetInt64(1) == 0) return (clock.GetElapsedTime(started), resumed);
            await Task.Delay(LookInterval, clock, cancellationToken);
        }

        return (null, resumed);
    }

    private static AuditLine JudgeExits(Stage stage)
    {
        var wrong = stage.Exits.Where(exit =>
            exit.Reason is null || (exit.Reason != Signals.NameOf(Signals.Kill) && !OrderlyExits.Contains(exit.ExitCode)));
        return new AuditLine("Workers end when they are asked to, and only then", stage.Exits.Count,
            [.. wrong.Select(exit => $"{exit.Worker}, {exit.Reason ?? "not asked to"}, ended with {exit.ExitCode}: {exit.LastLines}")]);
    }

    // Upkeep removes what killed workers left; whatever is there after it must be recorded.
    private async Task<(IReadOnlyList<AuditLine> Lines, int Leftovers, int Images)> AuditFilesAsync(
        Stage stage, Producer producer, CancellationToken cancellationToken)
    {
        var folder = stage.Images.Folder;
        var jobs = await JobRow.ListAsync(stage.Servers, cancellationToken);
        var digests = await JobRow.ListDigestsAsync(stage.Servers, cancellationToken);
        await using var database = QueueDatabase.Open(stage.Servers.Primary.ConnectionString("batchgen"), new QueueOptions());
        var leftovers = await new ImageFolderSweep(database, clock).SweepAsync(folder, TimeSpan.Zero, cancellationToken);
        return (new ImageAudit(producer.Submitted, jobs, digests, folder).Run(), leftovers, jobs.Count(job => job.Path is not null));
    }

    private static string Seconds(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.0} s");
}
