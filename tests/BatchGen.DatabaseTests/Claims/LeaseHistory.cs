using BatchGen.Core.Failures;
using BatchGen.Core.Jobs;
using BatchGen.Core.Rendering;
using BatchGen.Testing;
using Npgsql;
using Xunit;

namespace BatchGen.DatabaseTests.Claims;

/// <summary>A history of everything that can happen to jobs and leases, run on the database and on the
/// model of job states at once.</summary>
internal sealed class LeaseHistory
{
    private readonly TestDatabase _database;
    private readonly LeaseModel _model = new();
    private readonly Guid[] _workers;
    private readonly ClaimedBatch?[] _open;

    private LeaseHistory(TestDatabase database, Guid[] workers) =>
        (_database, _workers, _open) = (database, workers, new ClaimedBatch?[workers.Length]);

    /// <summary>Begins a history with three workers and an empty queue.</summary>
    public static async Task<LeaseHistory> BeginAsync(TestDatabase database)
    {
        await RandomHistory.EmptyQueueAsync(database);
        return new(
            database, [await database.AddWorkerAsync("one"), await database.AddWorkerAsync("two"), await database.AddWorkerAsync("three")]);
    }

    /// <summary>Takes one step; nothing happens when its action does not fit, such as a claim of a worker that has a batch.</summary>
    public Task TakeAsync(HistoryStep step)
    {
        var worker = step.X % _workers.Length;
        return (step.Action % 9, _open[worker]) switch
        {
            (0, _) => SubmitAsync(step),
            (1 or 2 or 3, null) => ClaimAsync(worker, maxJobs: step.Y % 5 + 1),
            (4, { } batch) => CompleteAsync(worker, batch, atMost: step.Y % 4 + 1),
            (5, { } batch) => FailAsync(worker, batch, isFinal: step.Y % 2 == 0),
            (6, { } batch) when step.Y % 2 == 0 => RequeueAsync(worker, batch),
            (6, { } batch) => LoseLeaseAsync(worker, batch),
            (7, _) => CheckAsync(worker, drifted: step.Y % 3 == 0),
            (8, _) when _model.States.Count > 0 && step.X % 2 == 0 => CancelAsync(AnyJob(step.Y)),
            (8, _) when _model.States.Count > 0 => RetryAsync(AnyJob(step.Y)),
            _ => Task.CompletedTask,
        };
    }

    /// <summary>No job is lost, and none is in another state than what was done to it allows.</summary>
    public async Task AssertStatesAgreeAsync()
    {
        await using var connection = await _database.ConnectAsync();
        await using var command = new NpgsqlCommand("select id, state from jobs", connection);
        await using var reader = await command.ExecuteReaderAsync();
        var recorded = new Dictionary<long, JobState>();
        while (await reader.ReadAsync()) recorded.Add(reader.GetInt64(0), JobStates.Parse(reader.GetString(1)));
        Assert.Equal(_model.States.OrderBy(pair => pair.Key), recorded.OrderBy(pair => pair.Key));
    }

    /// <summary>The counts that people see are those of the states.</summary>
    public async Task AssertCountsAgreeAsync()
    {
        var counts = await _database.Catalog.CountAsync(null, CancellationToken.None);
        Assert.Equal(_model.States.Values.Count(state => state == JobState.Queued), counts.Queued);
        Assert.Equal(_model.States.Values.Count(state => state == JobState.Succeeded), counts.Succeeded);
        Assert.Equal(counts.Succeeded - _model.UnverifiedCount, counts.Verified);
    }

    private async Task SubmitAsync(HistoryStep step) =>
        _model.Submit(
            await _database.SubmitAsync(Enumerable.Range(0, step.Y % 5 + 1).Select(i => RandomHistory.Adapters[(step.X + i) % 2])));

    private async Task ClaimAsync(int worker, int maxJobs)
    {
        _open[worker] = await _database.ClaimAsync(_workers[worker], maxJobs);
        if (_open[worker] is { } batch) _model.Claim(worker, batch);
    }

    private async Task CompleteAsync(int worker, ClaimedBatch batch, int atMost)
    {
        var completed = _model.Unfinished(worker, batch).Take(atMost).Select(job => job.JobId).ToArray();
        if (completed.Length == 0) return;
        await _database.CompleteAsync(batch, completed);
        _model.Complete(worker, completed);
    }

    private async Task FailAsync(int worker, ClaimedBatch batch, bool isFinal)
    {
        if (_model.Unfinished(worker, batch).FirstOrDefault() is not { } job) return;
        await _database.Claims.FailAsync(
            batch, [new(job.JobId, isFinal ? FailureCode.Adapter : FailureCode.WeightIntegrity, "x")], CancellationToken.None);
        _model.Fail(job.JobId, isFinal);
    }

    private async Task RequeueAsync(int worker, ClaimedBatch batch)
    {
        await _database.Claims.RequeueAsync(batch, CancellationToken.None);
        _model.Requeue(worker, batch);
        _open[worker] = null;
    }

    // The worker stopped answering; its lease expires, and what it writes after that is refused.
    private async Task LoseLeaseAsync(int worker, ClaimedBatch batch)
    {
        await _database.SqlAsync("update batches set lease_expires_at = now() - interval '1 s' where id = $1", batch.BatchId);
        Assert.Equal(1, await _database.Claims.RescueExpiredAsync(CancellationToken.None));
        await Assert.ThrowsAsync<LeaseLostException>(() => _database.CompleteAsync(batch));
        _model.LoseLease(worker, batch);
        _open[worker] = null;
    }

    private async Task CheckAsync(int worker, bool drifted)
    {
        await _database.CheckpointAsync(_workers[worker], drifted ? CheckpointVerdict.Drifted : CheckpointVerdict.Passed);
        _model.Check(worker, drifted);
    }

    private async Task CancelAsync(long jobId)
    {
        var cancelled = await _database.Actions.CancelAsync([jobId], CancellationToken.None);
        Assert.Equal(_model.Cancel(jobId), cancelled.Count == 1);
    }

    private async Task RetryAsync(long jobId)
    {
        var retried = await _database.Actions.RetryAsync([jobId], CancellationToken.None);
        Assert.Equal(_model.Retry(jobId), retried.Count == 1);
    }

    private long AnyJob(int choice) => _model.States.Keys.ElementAt(choice % _model.States.Count);
}
