using BatchGen.Queue.Signals;
using BatchGen.Testing;
using Npgsql;
using Xunit;

namespace BatchGen.DatabaseTests.Signals;

/// <summary>Jobs that ended are learned from the tables: every login may send notifications with whatever they like.</summary>
public sealed class EndedJobsTests
{
    private static readonly TimeSpan KeepAlive = TimeSpan.FromMinutes(5);

    [Theory]
    [InlineData("x")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("")]
    [InlineData("""{"state": "succeeded", "count": 1, "job_ids": [1]}""")]
    [InlineData("""{"state": "succeeded", "count": -1, "job_ids": [null, "x"]}""")]
    public async Task A_notification_with_any_payload_of_any_login_ends_no_listener_and_no_job(string payload)
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddModelAsync();
        var ids = await database.SubmitAsync("", "");
        using var limit = new CancellationTokenSource(Wait.DefaultLimit);
        await using var notices = new EndedJobs(database.Queue).ListenAsync(KeepAlive, limit.Token).GetAsyncEnumerator(limit.Token);
        Assert.True(await notices.MoveNextAsync());
        Assert.Empty(notices.Current.Jobs);

        await NotifyAsAnybodyAsync(database, payload);
        await database.Actions.CancelAsync([ids[1]], limit.Token);

        // A job that only the payload says has ended would come before.
        Assert.True(await notices.MoveNextAsync());
        Assert.Equal(new EndedJob(ids[1], "cancelled", "default", null), Assert.Single(notices.Current.Jobs));
    }

    [Fact]
    public async Task A_job_whose_ending_was_committed_late_is_named_once_it_is_committed()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddModelAsync();
        var ids = await database.SubmitAsync("", "");
        var marker = await MarkerAsync(database, null);
        await using var producer = await database.ConnectAsync();
        await using var transaction = await producer.BeginTransactionAsync();
        await using var cancel = new NpgsqlCommand($"select cancel_jobs(array[{ids[0]}])", producer, transaction);
        await cancel.ExecuteNonQueryAsync();
        await database.Actions.CancelAsync([ids[1]], CancellationToken.None);

        Assert.Equal(ids[1], Assert.Single(await EndedAsync(database, marker)));
        marker = await MarkerAsync(database, marker);
        await transaction.CommitAsync();

        Assert.Equal(ids[0], Assert.Single(await EndedAsync(database, marker)));
        Assert.Empty(await EndedAsync(database, await MarkerAsync(database, marker)));
    }

    [Fact]
    public async Task Endings_older_than_their_retention_are_not_all_named_and_ended_jobs_says_so()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddModelAsync();
        var marker = await MarkerAsync(database, null);
        Assert.True(await IsCompleteAsync(database, marker));
        Assert.False(await IsCompleteAsync(database, "1000000/" + marker.Split('/')[1]));
        await database.Actions.CancelAsync(await database.SubmitAsync("", "", ""), CancellationToken.None);
        Assert.False(await database.SqlAsync<bool>("select bool_and(is_complete) from ended_jobs($1, 2)", marker));

        await database.SqlAsync("update job_endings set ended_at = ended_at - endings_retention()");
        await database.Claims.RescueExpiredAsync(CancellationToken.None);
        Assert.Equal(0L, await database.SqlAsync<long>("select count(*) from job_endings"));
    }

    [Theory]
    [InlineData("x")]
    [InlineData("1/x")]
    [InlineData("")]
    public async Task A_marker_that_ended_jobs_did_not_return_is_refused(string marker)
    {
        await using var database = await TestDatabase.CreateAsync();
        var refused = await Assert.ThrowsAsync<PostgresException>(() => MarkerAsync(database, marker));
        Assert.Equal(("BG001", "ended_jobs.after: expected a marker that ended_jobs returned, got \"" + marker + "\"."),
            (refused.SqlState, refused.MessageText));
    }

    [Fact]
    public async Task A_caller_may_ask_for_as_many_endings_as_a_whole_number_says()
    {
        await using var database = await TestDatabase.CreateAsync();
        Assert.Equal(1L, await database.SqlAsync<long>("select count(*) from ended_jobs('1/1:1:', 2147483647)"));
    }

    /// <summary>Sends a notification on both channels, as a login that has no right to anything.</summary>
    internal static async Task NotifyAsAnybodyAsync(TestDatabase database, string payload)
    {
        var login = "anybody_" + database.Name;
        await database.SqlAsync($"create role {login} login password 'secret'");
        try
        {
            var address = new NpgsqlConnectionStringBuilder(database.ConnectionString)
            {
                Username = login, Password = "secret", Pooling = false,
            };
            await using var connection = new NpgsqlConnection(address.ConnectionString);
            await connection.OpenAsync();
            foreach (var channel in new[] { "_done", "_jobs" })
            {
                await using var command = new NpgsqlCommand("select pg_notify($1, $2)", connection);
                command.Parameters.AddWithValue(database.Schema + channel);
                command.Parameters.AddWithValue(payload);
                await command.ExecuteNonQueryAsync();
            }
        }
        finally
        {
            await database.SqlAsync($"drop role {login}");
        }
    }

    private static async Task<string> MarkerAsync(TestDatabase database, string? after) => (await database.SqlAsync<string>(
        "select marker from ended_jobs($1) where job_id is null", (object?)after ?? DBNull.Value))!;

    private static async Task<long[]> EndedAsync(TestDatabase database, string marker) => (await database.SqlAsync<long[]>(
        "select coalesce(array_agg(job_id) filter (where job_id is not null), '{}') from ended_jobs($1)", marker))!;

    private static Task<bool> IsCompleteAsync(TestDatabase database, string marker) =>
        database.SqlAsync<bool>("select bool_and(is_complete) from ended_jobs($1)", marker);
}
