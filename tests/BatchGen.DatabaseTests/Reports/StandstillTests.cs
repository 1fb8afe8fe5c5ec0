using BatchGen.Queue;
using BatchGen.Queue.Reports;
using BatchGen.Testing;
using Xunit;

namespace BatchGen.DatabaseTests.Reports;

/// <summary>When the queue is said to stand still: only while jobs could run and do not.</summary>
public sealed class StandstillTests
{
    [Fact]
    public async Task An_empty_queue_does_not_stand_still()
    {
        await using var database = await DatabaseAsync();
        Assert.Empty(await FindAsync(database));
    }

    [Fact]
    public async Task Jobs_that_wait_for_a_minute_without_any_worker_are_a_standstill()
    {
        await using var database = await DatabaseAsync();
        await database.SubmitAsync("");
        Assert.Empty(await FindAsync(database));
        await AgeAsync(database, "2 minutes");
        var found = Assert.Single(await FindAsync(database));
        Assert.Equal("no_workers", found.Kind);
        Assert.InRange(TimeProvider.System.GetUtcNow() - found.Since, TimeSpan.FromMinutes(1.9), TimeSpan.FromMinutes(3));

        await database.AddWorkerAsync();
        Assert.Empty(await FindAsync(database));
    }

    [Theory]
    [InlineData("heartbeat_at = now() - interval '3 minutes'")]
    [InlineData("stopped_at = now() - interval '3 minutes'")]
    public async Task A_worker_that_went_counts_from_when_it_went(string gone)
    {
        await using var database = await DatabaseAsync();
        await database.AddWorkerAsync();
        await database.SubmitAsync("");
        await AgeAsync(database, "1 hour");
        await database.SqlAsync($"update workers set {gone}");
        var found = Assert.Single(await FindAsync(database));
        Assert.Equal("no_workers", found.Kind);
        Assert.InRange(TimeProvider.System.GetUtcNow() - found.Since, TimeSpan.FromMinutes(2.9), TimeSpan.FromMinutes(5));
    }

    [Fact]
    public async Task A_worker_under_which_nothing_finishes_for_a_quarter_of_an_hour_is_a_standstill()
    {
        await using var database = await DatabaseAsync();
        var worker = await database.AddWorkerAsync();
        await database.SubmitAsync("");
        await AgeAsync(database, "14 minutes");
        Assert.Empty(await FindAsync(database));
        await AgeAsync(database, "16 minutes");
        var found = Assert.Single(await FindAsync(database));
        Assert.Equal(("nothing_finished", null), (found.Kind, found.Detail));

        await database.Workers.OrderAsync(worker, paused: true, draining: null, CancellationToken.None);
        Assert.Equal("Every worker is paused or draining.", Assert.Single(await FindAsync(database)).Detail);
    }

    [Fact]
    public async Task Workers_that_have_just_come_to_jobs_that_waited_for_them_are_no_standstill_unless_they_start_again_and_again()
    {
        await using var database = await DatabaseAsync();
        await database.SubmitAsync("");
        await AgeAsync(database, "1 hour");
        var first = await database.AddWorkerAsync();
        Assert.Empty(await FindAsync(database));

        // One that ends every few minutes and starts again
        await database.Workers.StopAsync(first, "stopped", CancellationToken.None);
        await database.AddWorkerAsync("next");
        await database.SqlAsync("update workers set started_at = now() - interval '17 minutes' where stopped_at is not null");
        Assert.Equal("nothing_finished", Assert.Single(await FindAsync(database)).Kind);
    }

    [Fact]
    public async Task The_setting_says_how_long_nothing_may_finish()
    {
        await using var database = await TestDatabase.CreateAsync(new QueueOptions { StandstillAfter = TimeSpan.FromHours(2) });
        await database.AddModelAsync();
        await database.AddWorkerAsync();
        await database.SubmitAsync("");
        await AgeAsync(database, "119 minutes");
        Assert.Empty(await FindAsync(database));
        await AgeAsync(database, "121 minutes");
        Assert.Single(await FindAsync(database));
    }

    [Fact]
    public async Task An_image_or_a_failure_a_moment_ago_is_no_standstill()
    {
        await using var database = await DatabaseAsync();
        var worker = await database.AddWorkerAsync();
        await database.SubmitAsync("", "", "");
        await AgeAsync(database, "1 hour");
        var batch = (await database.ClaimAsync(worker, maxJobs: 1))!;
        Assert.Single(await FindAsync(database));
        await database.CompleteAsync(batch);
        Assert.Empty(await FindAsync(database));

        await database.SqlAsync("update images set created_at = now() - interval '20 minutes'");
        Assert.Single(await FindAsync(database));
        await database.SqlAsync(
            """
            insert into job_attempts (job_id, attempt, counted, code, message)
            select id, 1, true, 'generation', 'not a number' from jobs where state = 'queued' order by id limit 1
            """);
        Assert.Single(await FindAsync(database)); // A retry waits: nothing has ended.
        await database.SqlAsync(
            """
            update jobs set state = 'failed', indexed_state = 'failed', finished_at = now()
            where id in (select job_id from job_attempts)
            """);
        Assert.Empty(await FindAsync(database));
    }

    [Fact]
    public async Task Jobs_of_a_paused_model_or_outside_of_their_window_are_no_standstill()
    {
        await using var database = await DatabaseAsync();
        await database.AddWorkerAsync();
        await database.SubmitAsync("");
        await AgeAsync(database, "1 hour");
        Assert.Single(await FindAsync(database));

        await database.Models.PauseAsync("demo", paused: true, CancellationToken.None);
        Assert.Empty(await FindAsync(database));
        // Resumed a moment ago: nothing can have finished yet.
        await database.Models.PauseAsync("demo", paused: false, CancellationToken.None);
        Assert.Empty(await FindAsync(database));
        await database.SqlAsync("update models set resumed_at = now() - interval '20 minutes'");
        Assert.Single(await FindAsync(database));

        const string Window =
            "insert into dispatch_windows (name, opens, closes) values ('now', ((now() at time zone 'UTC') + $1::interval)::time, "
            + "((now() at time zone 'UTC') + $2::interval)::time)";
        await database.SqlAsync(Window, TimeSpan.FromHours(1), TimeSpan.FromHours(2));
        Assert.Empty(await FindAsync(database));
        await database.SqlAsync("delete from dispatch_windows");
        // It opened five minutes ago.
        await database.SqlAsync(Window, TimeSpan.FromMinutes(-5), TimeSpan.FromHours(2));
        Assert.Empty(await FindAsync(database));
        await database.SqlAsync("delete from dispatch_windows");
        await database.SqlAsync(Window, TimeSpan.FromMinutes(-20), TimeSpan.FromHours(2));
        Assert.Single(await FindAsync(database));
    }

    [Fact]
    public async Task A_start_time_counts_once_it_has_passed_also_while_no_worker_is_there_to_notice()
    {
        await using var database = await DatabaseAsync();
        await database.SubmitAsync("");
        await database.SqlAsync("update jobs set indexed_state = 'scheduled', run_at = now() + interval '1 hour'");
        Assert.Empty(await FindAsync(database));
        await database.SqlAsync("update jobs set run_at = now() - interval '1 hour'");
        Assert.Equal("no_workers", Assert.Single(await FindAsync(database)).Kind);
    }

    [Fact]
    public async Task A_worker_that_set_itself_aside_is_named_with_its_reason()
    {
        await using var database = await DatabaseAsync();
        await database.AddWorkerAsync("gpu-7");
        Assert.Empty(await FindAsync(database));
        await database.SqlAsync("update workers set set_aside_at = now(), set_aside_reason = '10 failures in a row'");
        var found = Assert.Single(await FindAsync(database));
        Assert.Equal(("worker_set_aside", "gpu-7"), (found.Kind, found.Subject));
        Assert.Equal("Worker 'gpu-7' has set itself aside: 10 failures in a row.", found.What);
    }

    private static async Task<TestDatabase> DatabaseAsync()
    {
        var database = await TestDatabase.CreateAsync();
        await database.AddModelAsync();
        return database;
    }

    private static Task AgeAsync(TestDatabase database, string age) =>
        database.SqlAsync($"update jobs set run_at = now() - interval '{age}'; update workers set started_at = now() - interval '{age}'");

    private static Task<IReadOnlyList<Standstill>> FindAsync(TestDatabase database) =>
        new StandstillFinder(database.Queue).FindAsync(CancellationToken.None);
}
