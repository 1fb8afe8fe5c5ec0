using BatchGen.Core.Failures;
using BatchGen.Queue.Workers;
using BatchGen.Worker.Hosting;
using BatchGen.Worker.Monitoring;
using BatchGen.Worker.Leases;
using Microsoft.Extensions.Logging;

namespace BatchGen.Worker.Faults;

/// <summary>Sets a worker aside that fails jobs at an unusual rate, so that it does not eat the queue.</summary>
/// <remarks>
/// Only attempts that failed for no reason of the job's own count: what the job, the adapter's registered content or the model's is to
/// blame for would fail everywhere. A worker set aside claims nothing until an operator resumes it, or one job of a probation succeeds.
/// Thread safe where outcomes are reported, which happens beside the loop.
/// </remarks>
internal sealed class FailureWatch(Guid workerId, WorkerRegistry workers, WorkerOptions options, TimeProvider clock, ILogger log)
{
    // Ten failures in a row: by chance, a worker that fails one job in four would have that once in a million jobs.
    private const int FailuresInARow = 10;

    // One bad prompt or adapter must not look like a bad machine: alone, a worker has to fail with three signatures; where there are
    // others to compare with, with two.
    private const int SignaturesAlone = 3;
    private const int SignaturesCompared = 2;

    // Others say something about the work when they had this much of it lately.
    private const int EnoughOfOthers = 10;
    private const double UnusualShare = 0.5;
    private const double UnusualRatio = 4;
    private static readonly TimeSpan ComparedSpan = TimeSpan.FromHours(1);

    private readonly Lock _lock = new();
    private readonly HashSet<string> _signatures = new(StringComparer.Ordinal);
    private int _failures;
    private int _drawnSinceProbation;
    private int _failedSinceProbation;
    private string _lastMessage = "";
    private bool _onProbation;
    private long _asideAt;
    private TimeSpan _wait = options.ProbationInterval;
    private int _judgedAt;

    /// <summary>Why the worker is set aside; null while it works.</summary>
    public string? Reason { get; private set; }

    /// <summary>Reports images that were drawn and recorded.</summary>
    public void AddDrawn(int jobs)
    {
        lock (_lock)
        {
            if (jobs == 0) return;
            _failures = _judgedAt = 0;
            _signatures.Clear();
            _drawnSinceProbation += jobs;
        }
    }

    /// <summary>Reports attempts that failed.</summary>
    /// <param name="signature">Signature of their batch.</param>
    /// <param name="failed">The attempts; those that are the job's own fault neither count nor end a row.</param>
    public void AddFailed(string signature, IEnumerable<FailureMark> failed)
    {
        lock (_lock)
        {
            foreach (var (code, message) in failed)
            {
                if (code != FailureCode.Generation) continue;
                _failures++;
                _failedSinceProbation++;
                _lastMessage = message;
                _signatures.Add(signature);
            }
        }
    }

    /// <summary>Looks at what failed since the last call, and sets the worker aside where that is unusual.</summary>
    /// <returns>True when the worker is set aside: a batch that it holds must be requeued.</returns>
    public async Task<bool> JudgeAsync(CancellationToken cancellationToken)
    {
        if (Reason is not null) return !_onProbation;
        int failures, signatures;
        string last;
        lock (_lock)
        {
            if (_failures < FailuresInARow || _failures == _judgedAt) return false;
            (failures, signatures, last, _judgedAt) = (_failures, _signatures.Count, _lastMessage, _failures);
        }

        var since = clock.GetUtcNow() - ComparedSpan;
        var rates = await DatabaseRetry.RunAsync(
            log, token => workers.CompareFailuresAsync(workerId, since, token), cancellationToken);
        if (!IsUnusual(rates, signatures)) return false;
        var others = rates.OthersFailed + rates.OthersDrawn == 0 ? "no other worker drew lately"
            : $"other workers failed {rates.OthersFailed} attempts and drew {rates.OthersDrawn} images in the last hour";
        await SetAsideAsync(
            $"{failures} attempts in a row failed, with {signatures} signatures, while {others}. The last: {last} "
                + "Look at the machine, then resume the worker.",
            cancellationToken);
        return true;
    }

    /// <summary>How many jobs the worker may claim now.</summary>
    /// <param name="orders">Its orders as of its last heartbeat.</param>
    /// <param name="usual">How many it claims when nothing is wrong.</param>
    /// <param name="cancellationToken">Cancels the calls of the database.</param>
    /// <returns>0 while it is set aside; 1 when a probation is due.</returns>
    public async Task<int> AllowedJobsAsync(WorkerOrders orders, int usual, CancellationToken cancellationToken)
    {
        if (Reason is not null && !orders.SetAside)
        {
            log.Resumed("it was ordered to resume");
            Reset();
        }

        await JudgeAsync(cancellationToken);
        if (Reason is null) return usual;
        if (_onProbation || clock.GetElapsedTime(_asideAt) < _wait) return 0;
        lock (_lock) (_drawnSinceProbation, _failedSinceProbation) = (0, 0);
        _onProbation = true;
        return 1;
    }

    /// <summary>Ends the probation, if there is one: the batch claimed for it has ended, or there was none to claim.</summary>
    public async Task EndProbationAsync(CancellationToken cancellationToken)
    {
        if (!_onProbation) return;
        _onProbation = false;
        int drawn, failed;
        string last;
        lock (_lock) (drawn, failed, last) = (_drawnSinceProbation, _failedSinceProbation, _lastMessage);
        if (drawn > 0)
        {
            await DatabaseRetry.RunAsync(log, token => workers.SetAsideAsync(workerId, reason: null, token), cancellationToken);
            log.Resumed("a job on probation was drawn");
            Reset();
        }
        else if (failed > 0)
        {
            _wait = _wait * 2 < options.ProbationInterval * 16 ? _wait * 2 : options.ProbationInterval * 16;
            await SetAsideAsync($"A job on probation failed too: {last} Look at the machine, then resume the worker.", cancellationToken);
        }
    }

    // The worker's share of failures is unusual beside that of others; where they had too little work to compare with, in itself.
    private static bool IsUnusual(FailureComparison rates, int signatures)
    {
        var ofOthers = rates.OthersFailed + rates.OthersDrawn;
        if (ofOthers < EnoughOfOthers) return signatures >= SignaturesAlone;
        var share = (double)rates.Failed / Math.Max(1, rates.Failed + rates.Drawn);
        return signatures >= SignaturesCompared && share >= UnusualShare && share >= UnusualRatio * rates.OthersFailed / ofOthers;
    }

    private async Task SetAsideAsync(string reason, CancellationToken cancellationToken)
    {
        if (Reason is null) WorkerMetrics.AddSetAside(1);
        (Reason, _asideAt) = (reason, clock.GetTimestamp());
        log.SetAside(reason, _wait);
        await DatabaseRetry.RunAsync(log, token => workers.SetAsideAsync(workerId, reason, token), cancellationToken);
    }

    private void Reset()
    {
        WorkerMetrics.AddSetAside(-1);
        (Reason, _onProbation, _wait) = (null, false, options.ProbationInterval);
        lock (_lock)
        {
            _failures = _judgedAt = 0;
            _signatures.Clear();
        }
    }
}

/// <summary>An attempt that failed, as far as the watch looks at it.</summary>
/// <param name="Code">Why.</param>
/// <param name="Message">What was said.</param>
internal readonly record struct FailureMark(FailureCode Code, string Message);
