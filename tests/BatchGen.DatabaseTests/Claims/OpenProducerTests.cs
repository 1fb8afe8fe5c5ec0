using BatchGen.Core.Failures;
using BatchGen.Core.Jobs;
using BatchGen.Queue.Claims;
using BatchGen.Testing;
using Npgsql;
using Xunit;

namespace BatchGen.DatabaseTests.Claims;

/// <summary>A producer that cancels a running job and neither commits nor rolls back must not keep its worker from anything.</summary>
public sealed class OpenProducerTests : IAsyncLifetime
{
    // Far below the time that a statement may take, after which the driver gives up.
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(4);

    private TestDatabase _database = null!;
    private NpgsqlConnection _producer = null!;
    private NpgsqlTransaction _transaction = null!;
    private ClaimedBatch _batch = null!;

    private long Held => _batch.Jobs[0].JobId;

    private long Other => _batch.Jobs[1].JobId;

    public async ValueTask InitializeAsync()
    {
        _database = await TestDatabase.CreateAsync();
        await _database.AddModelAsync();
        await _database.SubmitAsync("", "");
        _batch = (await _database.ClaimAsync(await _database.AddWorkerAsync()))!;
        _producer = await _database.ConnectAsync();
        _transaction = await _producer.BeginTransactionAsync();
        await using var cancel = new NpgsqlCommand($"select cancel_jobs(array[{Held}])", _producer, _transaction);
        await cancel.ExecuteNonQueryAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _producer.DisposeAsync();
        await _database.DisposeAsync();
    }

    [Fact]
    public async Task The_other_jobs_of_the_batch_are_completed_and_the_batch_ends()
    {
        await QuicklyAsync("the batch was completed", _database.CompleteAsync(_batch));
        Assert.Equal(JobState.Succeeded, await StateAsync(Other));
        await QuicklyAsync("the heartbeat was taken", _database.Claims.HeartbeatAsync(_batch, new(1, 0, 0), CancellationToken.None));
        await QuicklyAsync("the batch was closed", _database.Claims.CloseAsync(_batch, CancellationToken.None));
        await QuicklyAsync("the rescue ended", _database.Claims.RescueExpiredAsync(CancellationToken.None));
    }

    [Fact]
    public async Task Failed_attempts_of_the_other_jobs_are_recorded()
    {
        await QuicklyAsync("the attempts were recorded", _database.Claims.FailAsync(
            _batch, [new(Held, FailureCode.InvalidJob, "x"), new(Other, FailureCode.InvalidJob, "x")], CancellationToken.None));
        Assert.Equal(JobState.Failed, await StateAsync(Other));
    }

    [Fact]
    public async Task A_batch_whose_lease_ran_out_is_rescued()
    {
        await ExpireAsync();
        await QuicklyAsync("the rescue ended", _database.Claims.RescueExpiredAsync(CancellationToken.None));
        Assert.Equal(JobState.Queued, await StateAsync(Other));
        await _transaction.RollbackAsync();
        await _database.Claims.RescueExpiredAsync(CancellationToken.None);
        Assert.Equal(JobState.Queued, await StateAsync(Held));
    }

    [Fact]
    public async Task The_job_is_cancelled_when_the_producer_commits_after_the_batch_ended()
    {
        await _database.CompleteAsync(_batch);
        await _database.Claims.CloseAsync(_batch, CancellationToken.None);
        await _transaction.CommitAsync();
        await _database.Claims.RescueExpiredAsync(CancellationToken.None);
        Assert.Equal((JobState.Cancelled, 0L), (await StateAsync(Held), await UnsettledAsync()));
    }

    [Fact]
    public async Task The_job_is_requeued_without_counting_when_the_producer_rolls_back_after_the_batch_ended()
    {
        await _database.CompleteAsync(_batch);
        await _database.Claims.CloseAsync(_batch, CancellationToken.None);
        await QuicklyAsync("the rescue ended", _database.Claims.RescueExpiredAsync(CancellationToken.None));
        Assert.Equal(1L, await UnsettledAsync());
        await _transaction.RollbackAsync();
        await _database.Claims.RescueExpiredAsync(CancellationToken.None);

        var job = (await _database.Catalog.FindAsync(Held, CancellationToken.None))!;
        Assert.Equal((JobState.Queued, 0, 0L), (job.State, job.Attempts, await UnsettledAsync()));
        var counts = await _database.Catalog.CountAsync(null, CancellationToken.None);
        Assert.Equal((1, 0, 1), (counts.Queued, counts.Running, counts.Succeeded));
    }

    [Fact]
    public async Task A_worker_that_waits_for_the_row_of_its_batch_gives_up_soon_and_may_try_again()
    {
        await using var other = await _database.ConnectAsync();
        await using var hold = await other.BeginTransactionAsync();
        await using var command = new NpgsqlCommand("select from batches for update", other, hold);
        await command.ExecuteNonQueryAsync();
        var error = await Assert.ThrowsAsync<PostgresException>(() => Wait.ForAsync("the heartbeat gave up",
            _database.Claims.HeartbeatAsync(_batch, new(1, 0, 0), CancellationToken.None), TimeSpan.FromSeconds(20)));
        Assert.True(BatchGen.Queue.TransientRetry.IsTransient(error));
    }

    [Theory]
    [InlineData(true, JobState.Cancelled)]
    [InlineData(false, JobState.Queued)]
    public async Task Rescues_and_claims_wait_for_none_of_forty_running_jobs_that_a_producer_keeps_locked(bool commits, JobState end)
    {
        await ExpireAsync();
        // Twenty in batches of their own, each of which a rescue ends; twenty in one batch.
        var ids = await _database.SubmitAsync(Enumerable.Repeat("", 40));
        var worker = await _database.AddWorkerAsync();
        for (var batches = 0; batches < 20; batches++) Assert.Single((await _database.ClaimAsync(worker, maxJobs: 1))!.Jobs);
        Assert.Equal(20, (await _database.ClaimAsync(worker))!.Jobs.Count);
        await using var cancel = new NpgsqlCommand("select cancel_jobs($1)", _producer, _transaction);
        cancel.Parameters.AddWithValue(ids.ToArray());
        await cancel.ExecuteNonQueryAsync();
        await ExpireAsync();

        // The first ends the batches, the second finds their jobs unsettled.
        const string Limited = "set statement_timeout = '2s'; ";
        await _database.SqlAsync(Limited + "select rescue_expired()");
        Assert.Equal(41L, await UnsettledAsync());
        await _database.SqlAsync(Limited + "select rescue_expired()");
        Assert.Equal(41L, await UnsettledAsync());
        var claimed = await QuicklyAsync("a batch was claimed", _database.ClaimAsync(await _database.AddWorkerAsync()));
        Assert.Equal(Other, Assert.Single(claimed!.Jobs).JobId);

        await (commits ? _transaction.CommitAsync() : _transaction.RollbackAsync());
        await _database.Claims.RescueExpiredAsync(CancellationToken.None);
        var jobs = await _database.Catalog.FindAsync([Held, .. ids], CancellationToken.None);
        Assert.All(jobs, job => Assert.Equal((end, commits ? 1 : 0), (job.State, job.Attempts)));
        Assert.Equal(0L, await UnsettledAsync());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_locked_job_that_succeeded_leaves_its_batch_to_a_later_rescue_and_the_others_are_rescued(bool ended)
    {
        await _database.CompleteAsync(_batch);
        if (ended) await _database.Claims.CloseAsync(_batch, CancellationToken.None);
        // What a cancel keeps of a job that succeeded while the cancel waited for its row.
        await using var hold = new NpgsqlCommand($"select from jobs where id = {Other} for update", _producer, _transaction);
        await hold.ExecuteNonQueryAsync();
        // The signature is nobody's any more, so that another worker may claim.
        await ExpireAsync();
        var lost = (await _database.SubmitAsync(""))[0];
        Assert.NotNull(await _database.ClaimAsync(await _database.AddWorkerAsync(), maxJobs: 1));
        await _database.SqlAsync("update workers set stopped_at = now(), stop_reason = 'test'");
        await ExpireAsync();

        await QuicklyAsync("the rescue ended", _database.Claims.RescueExpiredAsync(CancellationToken.None));
        Assert.Equal((JobState.Succeeded, JobState.Queued), (await StateAsync(Other), await StateAsync(lost)));
        await _transaction.RollbackAsync();
        await _database.Claims.RescueExpiredAsync(CancellationToken.None);
        Assert.Equal(JobState.Queued, await StateAsync(Other));
    }

    private static Task<T> QuicklyAsync<T>(string what, Task<T> call) => Wait.ForAsync(what, call, Limit);

    private static Task QuicklyAsync(string what, Task call) => Wait.ForAsync(what, call, Limit);

    private Task ExpireAsync() => _database.SqlAsync("update batches set lease_expires_at = now() - interval '1 s'");

    private async Task<JobState> StateAsync(long id) => (await _database.Catalog.FindAsync(id, CancellationToken.None))!.State;

    private Task<long> UnsettledAsync() => _database.SqlAsync<long>("select count(*) from unsettled_jobs");
}
