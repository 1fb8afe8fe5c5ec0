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
internal sealed class FailureWatch(
    Guid workerId, WorkerRegistry workers, WorkerOptions options, WorkerHealth health, TimeProvider clock, ILogger log)
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
    private const int MostBatches = 1000;

    // A rate is judged by the last jobs, over as many signatures as a worker alone fails with, and beside others that had twice as much of
    // the same signatures as a row needs: a campaign whose jobs fail everywhere then fails there too.
    private const int FailuresOfRate = 10;
    private const int EnoughOfOthersForRate = 20;
    private const string LookAtIt = "Look at the machine, then resume the worker.";
    private static readonly TimeSpan ComparedSpan = TimeSpan.FromHours(1);

    private readonly Lock _lock = new();
    private readonly HashSet<string> _signatures = new(StringComparer.Ordinal);

    // In which the failures of the row came; of a row that goes on for long only the newest.
    private readonly Queue<long> _batches = new();
    private readonly RecentOutcomes _recent = new();
    private int _failures;
    private int _failedSoFar;
    private int _rateJudgedAt;
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
    /// <param name="batchId">Their batch.</param>
    /// <param name="signature">Its signature.</param>
    /// <param name="jobs">How many.</param>
    public void AddDrawn(long batchId, string signature, int jobs)
    {
        lock (_lock)
        {
            if (jobs == 0) return;
            _recent.Add(new Outcome(clock.GetTimestamp(), batchId, signature, Failed: false), jobs);
            _failures = _judgedAt = 0;
            _signatures.Clear();
            _batches.Clear();
            _drawnSinceProbation += jobs;
        }
    }

    /// <summary>Reports attempts that failed.</summary>
    /// <param name="batchId">Their batch.</param>
    /// <param name="signature">Its signature.</param>
    /// <param name="failed">The attempts; those that are the job's own fault neither count nor end a row.</param>
    public void AddFailed(long batchId, string signature, IEnumerable<FailureMark> failed)
    {
        lock (_lock)
        {
            foreach (var (code, message) in failed)
            {
                if (code != FailureCode.Generation) continue;
                _failures++;
                _failedSoFar++;
                _recent.Add(new Outcome(clock.GetTimestamp(), batchId, signature, Failed: true), 1);
                _failedSinceProbation++;
                _lastMessage = message;
                _signatures.Add(signature);
                if (!_batches.Contains(batchId)) _batches.Enqueue(batchId);
                if (_batches.Count > MostBatches) _batches.Dequeue();
            }
        }
    }

    /// <summary>Looks at what failed since the last call, and sets the worker aside where that is unusual.</summary>
    /// <returns>True when the worker is set aside: a batch that it holds must be requeued.</returns>
    public async Task<bool> JudgeAsync(CancellationToken cancellationToken)
    {
        if (Reason is not null) return !_onProbation;
        return await JudgeRowAsync(cancellationToken) || await JudgeRateAsync(cancellationToken);
    }

    private async Task<bool> JudgeRowAsync(CancellationToken cancellationToken)
    {
        int failures, signatures;
        string last;
        lock (_lock)
        {
            if (_failures < FailuresInARow || _failures == _judgedAt) return false;
            (failures, signatures, last, _judgedAt) = (_failures, _signatures.Count, _lastMessage, _failures);
        }

        var since = clock.GetUtcNow() - ComparedSpan;
        var rates = await DatabaseRetry.RunAsync(
            log, health, token => workers.CompareFailuresAsync(workerId, since, token), cancellationToken);
        if (!IsUnusual(rates, failures, signatures)) return false;
        var others = rates.OthersFailed + rates.OthersDrawn == 0 ? "no other worker drew lately"
            : $"other workers failed {rates.OthersFailed} attempts and drew {rates.OthersDrawn} images in the last hour";
        await SetAsideAsync(
            $"{failures} attempts in a row failed, with {signatures} signatures, while {others}. The last: {last} "
                + LookAtIt,
            Locked(() => _batches.ToArray()),
            cancellationToken);
        return true;
    }

    private async Task<bool> JudgeRateAsync(CancellationToken cancellationToken)
    {
        int failures, jobs;
        string[] signatures;
        long[] batches;
        TimeSpan span;
        string last;
        lock (_lock)
        {
            if (_failedSoFar == _rateJudgedAt || _recent.Failures < FailuresOfRate) return false;
            _rateJudgedAt = _failedSoFar;
            (failures, jobs, signatures, batches) = (_recent.Failures, _recent.Count, _recent.FailedSignatures(), _recent.FailedBatches());
            (span, last) = (clock.GetElapsedTime(_recent.Oldest), _lastMessage);
        }

        if (signatures.Length < SignaturesAlone) return false;
        var others = await DatabaseRetry.RunAsync(
            log, health, token => workers.CompareSignaturesAsync(workerId, signatures, span, token), cancellationToken);
        if (!IsUnusual(others, (double)failures / jobs)) return false;
        await SetAsideAsync(
            $"{failures} of the last {jobs} attempts failed, with {signatures.Length} signatures, while other workers failed "
                + $"{others.Failed} attempts and drew {others.Drawn} images with the same signatures at the same time. The last: {last} "
                + LookAtIt,
            batches,
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
            await DatabaseRetry.RunAsync(log, health, token => workers.SetAsideAsync(workerId, reason: null, [], token), cancellationToken);
            log.Resumed("a job on probation was drawn");
            Reset();
        }
        else if (failed > 0)
        {
            _wait = _wait * 2 < options.ProbationInterval * 16 ? _wait * 2 : options.ProbationInterval * 16;
            await SetAsideAsync(
                $"A job on probation failed too: {last} {LookAtIt}", Locked(() => _batches.ToArray()), cancellationToken);
        }
    }

    // The worker's share of failures is unusual beside that of others; where they had too little work to compare with, in itself. Jobs that
    // were requeued because nothing could be fused are not charged, so the database does not count them; the row does.
    private static bool IsUnusual(FailureComparison rates, int failures, int signatures)
    {
        var ofOthers = rates.OthersFailed + rates.OthersDrawn;
        if (ofOthers < EnoughOfOthers) return signatures >= SignaturesAlone;
        var failed = Math.Max(rates.Failed, failures);
        var share = (double)failed / (failed + rates.Drawn);
        return signatures >= SignaturesCompared && share >= UnusualShare && share >= UnusualRatio * rates.OthersFailed / ofOthers;
    }

    // One failure more is reckoned for the others: that few attempts went well may be chance.
    private static bool IsUnusual(FailureCounts others, double share)
    {
        var attempts = others.Failed + others.Drawn;
        return attempts >= EnoughOfOthersForRate && share >= UnusualRatio * (others.Failed + 1) / (attempts + 1);
    }

    private async Task SetAsideAsync(string reason, long[] batches, CancellationToken cancellationToken)
    {
        if (Reason is null) WorkerMetrics.AddSetAside(1);
        (Reason, _asideAt) = (reason, clock.GetTimestamp());
        log.SetAside(reason, _wait);
        // What it failed before was not the jobs' doing.
        await DatabaseRetry.RunAsync(log, health, token => workers.SetAsideAsync(workerId, reason, batches, token), cancellationToken);
        // Only now, so that whoever sees it can resume the worker: an order given before would be overwritten.
        health.Report(WorkerTrouble.SetAside, isThere: true);
    }

    private T Locked<T>(Func<T> read)
    {
        lock (_lock) return read();
    }

    private void Reset()
    {
        WorkerMetrics.AddSetAside(-1);
        health.Report(WorkerTrouble.SetAside, isThere: false);
        (Reason, _onProbation, _wait) = (null, false, options.ProbationInterval);
        lock (_lock)
        {
            _failures = _judgedAt = 0;
            _signatures.Clear();
            _batches.Clear();
            _recent.Clear();
        }
    }
}

/// <summary>An attempt that failed, as far as the watch looks at it.</summary>
/// <param name="Code">Why.</param>
/// <param name="Message">What was said.</param>
internal readonly record struct FailureMark(FailureCode Code, string Message);
