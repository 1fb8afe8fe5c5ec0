using BatchGen.Core.Jobs;
using Xunit;

namespace BatchGen.DatabaseTests.Claims;

/// <summary>The states that jobs must have after what was done to them; the database must agree.</summary>
internal sealed class LeaseModel
{
    // A job that fails alone in its batch this many times without an answer of its worker is not tried again:
    // the default limit of attempts.
    private const int MaxAttempts = 3;

    private readonly Dictionary<long, JobState> _states = [];

    // The worker whose open batch holds the job, and the worker that completed an image which no checkpoint has judged.
    private readonly Dictionary<long, int> _holders = [];
    private readonly Dictionary<long, int> _unverified = [];

    /// <summary>Expected states of all jobs.</summary>
    public IReadOnlyDictionary<long, JobState> States => _states;

    /// <summary>How many succeeded jobs have an image that no checkpoint has judged.</summary>
    public int UnverifiedCount => _unverified.Count;

    /// <summary>Jobs of a batch that its worker has not finished.</summary>
    public IEnumerable<ClaimedJob> Unfinished(int worker, ClaimedBatch batch) =>
        batch.Jobs.Where(job => _states[job.JobId] == JobState.Running && Holds(worker, job));

    /// <summary>Jobs were submitted.</summary>
    public void Submit(IEnumerable<long> jobIds)
    {
        foreach (var id in jobIds) _states.Add(id, JobState.Queued);
    }

    /// <summary>A worker claimed a batch: every job of it was queued, and no other worker held one.</summary>
    public void Claim(int worker, ClaimedBatch batch)
    {
        foreach (var job in batch.Jobs)
        {
            Assert.Equal(JobState.Queued, _states[job.JobId]);
            Assert.True(_holders.TryAdd(job.JobId, worker), $"job {job.JobId} is under two leases");
            _states[job.JobId] = JobState.Running;
        }
    }

    /// <summary>A worker completed jobs.</summary>
    public void Complete(int worker, IEnumerable<long> jobIds)
    {
        foreach (var id in jobIds)
        {
            _states[id] = JobState.Succeeded;
            _unverified[id] = worker;
        }
    }

    /// <summary>An attempt at a job failed, for good or to be tried again.</summary>
    public void Fail(long jobId, bool isFinal)
    {
        _states[jobId] = isFinal ? JobState.Failed : JobState.Queued;
        _holders.Remove(jobId);
    }

    /// <summary>A worker requeued the unfinished jobs of its batch; the attempts are not counted.</summary>
    public void Requeue(int worker, ClaimedBatch batch)
    {
        foreach (var job in Unfinished(worker, batch)) _states[job.JobId] = JobState.Queued;
        Release(worker, batch);
    }

    /// <summary>A worker stopped answering: unfinished jobs are requeued with the attempt counted, finished but unverified
    /// ones are requeued too.</summary>
    public void LoseLease(int worker, ClaimedBatch batch)
    {
        foreach (var job in Unfinished(worker, batch).ToArray())
            _states[job.JobId] = batch.Jobs.Count == 1 && job.Attempt >= MaxAttempts ? JobState.Failed : JobState.Queued;
        foreach (var job in batch.Jobs.Where(job => Holds(worker, job) && _unverified.GetValueOrDefault(job.JobId, -1) == worker))
        {
            _unverified.Remove(job.JobId);
            _states[job.JobId] = JobState.Queued;
        }

        Release(worker, batch);
    }

    /// <summary>A checkpoint of a worker judged its unverified images.</summary>
    public void Check(int worker, bool drifted)
    {
        foreach (var id in _unverified.Where(pair => pair.Value == worker).Select(pair => pair.Key).ToArray())
        {
            _unverified.Remove(id);
            if (!drifted) continue;
            _states[id] = JobState.Queued;
            _holders.Remove(id);
        }
    }

    /// <summary>Cancels a job.</summary>
    /// <returns>False when the job had ended.</returns>
    public bool Cancel(long jobId)
    {
        if (_states[jobId] is not (JobState.Queued or JobState.Running)) return false;
        _states[jobId] = JobState.Cancelled;
        return true;
    }

    /// <summary>Queues an ended job again.</summary>
    /// <returns>False when the job neither failed nor was cancelled.</returns>
    public bool Retry(long jobId)
    {
        if (_states[jobId] is not (JobState.Failed or JobState.Cancelled)) return false;
        _states[jobId] = JobState.Queued;
        _holders.Remove(jobId);
        return true;
    }

    private bool Holds(int worker, ClaimedJob job) => _holders.GetValueOrDefault(job.JobId, -1) == worker;

    private void Release(int worker, ClaimedBatch batch)
    {
        foreach (var job in batch.Jobs.Where(job => Holds(worker, job)).ToArray()) _holders.Remove(job.JobId);
    }
}
