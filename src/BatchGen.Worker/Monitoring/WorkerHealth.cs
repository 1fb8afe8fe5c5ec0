using BatchGen.Core.Monitoring;
using BatchGen.Queue;
using BatchGen.Queue.Schedules;
using BatchGen.Queue.Workers;

namespace BatchGen.Worker.Monitoring;

/// <summary>What keeps a worker from working as it should.</summary>
internal enum WorkerTrouble
{
    /// <summary>Images cannot be written.</summary>
    Output,

    /// <summary>The device cannot take a model.</summary>
    Device,

    /// <summary>The base differed and was not restored yet.</summary>
    Drift,

    /// <summary>A canary differed, or could not be rendered.</summary>
    Canary,

    /// <summary>It failed jobs at an unusual rate.</summary>
    SetAside,

    /// <summary>The machine lacks every model that the worker may serve.</summary>
    Models,
}

/// <summary>Whether a worker lives and can do its work, as it sees itself. Thread safe.</summary>
public sealed class WorkerHealth(WindowStore windows, TimeProvider clock)
{
    // How long the database may take to say whether a window is open, and how long its answer counts.
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan AnswerLifetime = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly HashSet<WorkerTrouble> _troubles = [];
    private readonly HashSet<object> _failingCalls = new(ReferenceEqualityComparer.Instance);
    private string _phase = ProcessStates.Starting;
    private WorkerOrders _orders = WorkerOrders.None;
    private (bool? AreOpen, long At)? _windows;

    /// <summary>The state now; asks the database whether jobs may be claimed at this hour.</summary>
    public async Task<Readiness> ReadAsync(CancellationToken cancellationToken)
    {
        if (OwnState() is { } state) return new Readiness(false, state);
        var open = await AreWindowsOpenAsync(cancellationToken);
        if (open is null) return new Readiness(false, ProcessStates.Degraded);
        lock (_lock)
            return new Readiness(true, _phase == ProcessStates.Idle && open == false ? ProcessStates.OutsideWindow : _phase);
    }

    internal void Enter(string phase)
    {
        lock (_lock) _phase = phase;
    }

    internal void Follow(WorkerOrders orders)
    {
        lock (_lock) _orders = orders;
    }

    internal void Report(WorkerTrouble trouble, bool isThere)
    {
        lock (_lock) _ = isThere ? _troubles.Add(trouble) : _troubles.Remove(trouble);
    }

    /// <summary>Notes that the database does not take a call, or denies it, and that the call is repeated until it does.</summary>
    /// <returns>Ends it: the call was taken, or was given up.</returns>
    internal IDisposable BeginFailingCall()
    {
        var call = new FailingCall(this);
        lock (_lock) _failingCalls.Add(call);
        return call;
    }

    // Null when nothing speaks against working.
    private string? OwnState()
    {
        lock (_lock)
        {
            if (_phase is ProcessStates.Starting or ProcessStates.Stopping) return _phase;
            if (_troubles.Contains(WorkerTrouble.Drift) || _troubles.Contains(WorkerTrouble.Canary)) return ProcessStates.Drifted;
            if (_troubles.Contains(WorkerTrouble.SetAside)) return ProcessStates.SetAside;
            if (_troubles.Count > 0 || _failingCalls.Count > 0) return ProcessStates.Degraded;
            return _orders.Draining ? ProcessStates.Stopping : _orders.Paused ? ProcessStates.Paused : null;
        }
    }

    // Null when the database does not answer.
    private async Task<bool?> AreWindowsOpenAsync(CancellationToken cancellationToken)
    {
        lock (_lock)
            if (_windows is { } known && clock.GetElapsedTime(known.At) < AnswerLifetime) return known.AreOpen;
        bool? open;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(AnswerLimit);
        try
        {
            open = await windows.AreOpenAsync(limit.Token);
        }
        catch (Exception error) when (TransientRetry.KindOf(error) is not null || error is QueueException
            || (error is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            open = null;
        }

        lock (_lock) _windows = (open, clock.GetTimestamp());
        return open;
    }

    private sealed class FailingCall(WorkerHealth health) : IDisposable
    {
        public void Dispose()
        {
            lock (health._lock) health._failingCalls.Remove(this);
        }
    }
}
