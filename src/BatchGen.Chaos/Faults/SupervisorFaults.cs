using System.Globalization;
using BatchGen.Chaos.Processes;
using BatchGen.Chaos.Servers;

namespace BatchGen.Chaos.Faults;

/// <summary>What happens to <c>batchgen up</c>, which comes for the time of the fault beside the other workers: stopped, killed, its worker
/// killed.</summary>
internal sealed class SupervisorFaults(Stage stage) : IDisposable
{
    private const string Name = "supervisor";
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(40);

    // Its workers have one name: two at a time would be another fault.
    private readonly SemaphoreSlim _busy = new(1, 1);

    /// <summary>The faults of supervisors.</summary>
    public IReadOnlyList<FaultKind> Kinds =>
    [
        new("supervisor asked to stop", 3, 0.6, 1.4, FaultTarget.Everything, (fault, _) => RunAsync(fault, StopAsync)),
        new("supervisor killed", 3, 0.6, 1.4, FaultTarget.Everything, (fault, _) => RunAsync(fault, KillAsync)),
        new("worker of a supervisor killed", 3, 0.4, 1.0, FaultTarget.Everything, (fault, _) => RunAsync(fault, KillWorkerAsync)),
    ];

    private static TimeSpan EndLimit => Stage.EndLimit + TimeSpan.FromSeconds(5);

    /// <inheritdoc/>
    public void Dispose() => _busy.Dispose();

    // Starts it, lets its worker draw, and ends it in the way of the fault.
    private async Task<string> RunAsync(Fault fault, Func<SupervisorProcess, int, Task<string>> end)
    {
        if (!await _busy.WaitAsync(TimeSpan.Zero)) return FaultKind.NotDone + "another supervisor was there";
        try
        {
            var log = Path.Combine(stage.LogFolder, "logs", string.Create(CultureInfo.InvariantCulture, $"{Name}-{fault.Number:D3}.log"));
            using var supervisor = SupervisorProcess.Start(
                stage.Options.Program, stage.Environment(Name, 0), ServerPair.FreePorts(1)[0], log, stage.Clock);
            if (await supervisor.WorkerAsync(0, StartLimit) is not { } worker)
            {
                // The servers may be away for longer than a start waits for them.
                var isAway = supervisor.HasEnded && supervisor.ExitCode == WorkerSlot.NoDatabase;
                await EndAsync(supervisor, Signals.Terminate, isAway ? "no database at its start" : null);
                return FaultKind.NotDone + "no worker was started";
            }

            await Task.Delay(fault.Time, stage.Clock);
            return await end(supervisor, worker);
        }
        finally
        {
            _busy.Release();
        }
    }

    private async Task<string> StopAsync(SupervisorProcess supervisor, int worker)
    {
        await EndAsync(supervisor, Signals.Terminate);
        // It is to end no sooner than its worker.
        return await WorkerEndedAsync(supervisor, worker, TimeSpan.FromSeconds(1));
    }

    private async Task<string> KillAsync(SupervisorProcess supervisor, int worker)
    {
        await EndAsync(supervisor, Signals.Kill);
        return await WorkerEndedAsync(supervisor, worker, EndLimit);
    }

    private async Task<string> KillWorkerAsync(SupervisorProcess supervisor, int worker)
    {
        Signals.Send(worker, Signals.Kill);
        var next = await supervisor.WorkerAsync(worker, StartLimit);
        if (next is null) NoteWorker("no other was started");
        var outcome = await StopAsync(supervisor, next ?? worker);
        return next is null ? "no other worker was started" : outcome;
    }

    private async Task<string> WorkerEndedAsync(SupervisorProcess supervisor, int worker, TimeSpan limit)
    {
        if (await supervisor.WaitForEndAsync(worker, limit)) return "ok";
        NoteWorker("it outlived its supervisor");
        return "its worker did not end";
    }

    // An end before the signal is one of its own, and a violation unless there is a reason for it.
    private async Task EndAsync(SupervisorProcess supervisor, int signal, string? reason = null)
    {
        var wasRunning = !supervisor.HasEnded;
        var inTime = await supervisor.EndAsync(signal, EndLimit);
        reason = wasRunning && inTime ? Signals.NameOf(signal) : wasRunning ? null : reason;
        stage.NoteExits([new WorkerExit(Name, supervisor.ExitCode, reason, reason is null ? supervisor.LastLines : "")]);
    }

    private void NoteWorker(string problem) => stage.NoteExits([new WorkerExit("worker of a " + Name, 0, null, problem)]);
}
