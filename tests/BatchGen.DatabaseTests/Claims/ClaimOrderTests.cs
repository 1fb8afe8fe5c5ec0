using BatchGen.Core.Failures;
using BatchGen.Core.Jobs;
using BatchGen.Queue;
using BatchGen.Testing;
using Xunit;

namespace BatchGen.DatabaseTests.Claims;

public sealed class ClaimOrderTests
{
    [Fact]
    public async Task Signatures_are_claimed_in_text_order_and_then_from_the_first_again()
    {
        await using var database = await StartAsync();
        await database.SubmitAsync("d", "b", "a", "b", "c");
        var worker = await database.AddWorkerAsync();

        Assert.Equal(["demo|a@1", "demo|b@1"], await DrainAsync(database, worker, 2));
        await database.SubmitAsync("a", "c");
        Assert.Equal(["demo|c@1", "demo|d@1", "demo|a@1"], await DrainAsync(database, worker));
    }

    [Fact]
    public async Task A_batch_holds_jobs_of_one_signature_in_order_of_submission_up_to_the_limit_asked_for()
    {
        await using var database = await StartAsync();
        var ids = await database.SubmitAsync(Enumerable.Repeat("a", 5));
        var worker = await database.AddWorkerAsync();

        var first = await database.ClaimAsync(worker, maxJobs: 3);
        var second = await database.ClaimAsync(worker, maxJobs: 3);

        Assert.Equal(ids.Take(3), first!.Jobs.Select(job => job.JobId));
        Assert.Equal(ids.Skip(3), second!.Jobs.Select(job => job.JobId));
        Assert.Null(await database.ClaimAsync(worker));
    }

    [Fact]
    public async Task Higher_priority_goes_first_and_the_fused_signature_leads_within_it()
    {
        await using var database = await StartAsync();
        var worker = await database.AddWorkerAsync();
        await SubmitAsync(database, ("b", 0), ("b", 0));
        Assert.Equal("demo|b@1", (await database.ClaimAsync(worker, 1))!.Signature.ToString());

        await SubmitAsync(database, ("a", 5), ("b", 5), ("c", 9));

        Assert.Equal(["demo|c@1", "demo|a@1", "demo|b@1", "demo|b@1"], await DrainAsync(database, worker));
    }

    [Fact]
    public async Task A_worker_stays_on_its_signature_until_the_budget_is_spent()
    {
        await using var database = await StartAsync(new() { MaxBatchesPerSignature = 2 });
        var worker = await database.AddWorkerAsync();
        await database.SubmitAsync("b", "b", "b", "b", "b", "c");

        Assert.Equal(
            ["demo|b@1", "demo|b@1", "demo|c@1", "demo|b@1", "demo|b@1", "demo|b@1"], await DrainAsync(database, worker, maxJobs: 1));
    }

    [Fact]
    public async Task An_overdue_job_is_claimed_first_together_with_its_signature()
    {
        await using var database = await StartAsync(new() { MaxWait = TimeSpan.FromMinutes(10) });
        var worker = await database.AddWorkerAsync();
        await database.SubmitAsync("b", "b", "b", "c", "d", "d");
        await AgeAsync(database, "demo|d@1", TimeSpan.FromMinutes(11));

        Assert.Equal(
            ["demo|d@1", "demo|d@1", "demo|b@1", "demo|b@1", "demo|b@1", "demo|c@1"], await DrainAsync(database, worker, maxJobs: 1));
    }

    [Fact]
    public async Task An_overdue_job_interrupts_a_fused_signature_that_is_not_overdue()
    {
        await using var database = await StartAsync(new() { MaxWait = TimeSpan.FromMinutes(10) });
        var worker = await database.AddWorkerAsync();
        await database.SubmitAsync("b", "b", "b", "d");
        Assert.Equal(["demo|b@1"], await DrainAsync(database, worker, 1, maxJobs: 1));
        await AgeAsync(database, "demo|d@1", TimeSpan.FromMinutes(11));

        Assert.Equal(["demo|d@1", "demo|b@1", "demo|b@1"], await DrainAsync(database, worker, maxJobs: 1));
    }

    [Fact]
    public async Task Signatures_are_drained_one_by_one_when_all_jobs_are_overdue()
    {
        await using var database = await StartAsync(new() { MaxWait = TimeSpan.FromSeconds(1) });
        var worker = await database.AddWorkerAsync();
        await database.SubmitAsync("c", "a", "b", "c", "a", "b");
        await database.SqlAsync("update jobs set run_at = run_at - interval '1 hour'");

        var order = await DrainAsync(database, worker, maxJobs: 1);
        Assert.Equal(3, order.Zip(order.Prepend("")).Count(pair => pair.First != pair.Second));
    }

    [Fact]
    public async Task Jobs_with_a_later_run_at_are_claimed_only_once_it_has_passed()
    {
        await using var database = await StartAsync();
        var worker = await database.AddWorkerAsync();
        await database.Submitter.SubmitAsync(
            [new JobRequest { Priority = 50, RunAt = TimeProvider.System.GetUtcNow().AddHours(1) }], CancellationToken.None);
        var now = await database.SubmitAsync("");

        Assert.Equal(now, (await database.ClaimAsync(worker))!.Jobs.Select(job => job.JobId));
        Assert.Null(await database.ClaimAsync(worker));
        await database.SqlAsync("update jobs set run_at = now() where indexed_state = 'scheduled'");
        Assert.NotNull(await database.ClaimAsync(worker));
    }

    [Fact]
    public async Task A_job_past_its_deadline_fails_instead_of_running()
    {
        await using var database = await StartAsync();
        var worker = await database.AddWorkerAsync();
        var id = (await database.Submitter.SubmitAsync(
            [new JobRequest { Deadline = TimeProvider.System.GetUtcNow().AddHours(1) }], CancellationToken.None))[0];
        await database.SqlAsync("update jobs set deadline = now() - interval '1 second'");

        Assert.Null(await database.ClaimAsync(worker));
        var job = (await database.Catalog.FindAsync(id, CancellationToken.None))!;
        Assert.Equal((JobState.Failed, "deadline_passed"), (job.State, job.FailureCode));
        Assert.Equal(1, (await database.Catalog.CountAsync(null, CancellationToken.None)).Failed);
    }

    [Fact]
    public async Task Thousands_of_jobs_past_their_deadline_fail_in_one_claim_and_are_announced()
    {
        await using var database = await StartAsync();
        await database.SubmitAsync(Enumerable.Repeat("a", 5001));
        var one = (await database.SubmitAsync("b"))[0];
        await database.SqlAsync("update jobs set deadline = now() - interval '1 second' where signature = 'demo|a@1'");
        Assert.Equal([one], (await database.ClaimAsync(await database.AddWorkerAsync()))!.Jobs.Select(job => job.JobId));
        Assert.Equal((5001, 1),
            await database.Catalog.CountAsync(null, CancellationToken.None) is { } counts ? (counts.Failed, counts.Running) : default);

        // Also while nobody claims.
        await using var listener = await database.ConnectAsync();
        await using (var command = new Npgsql.NpgsqlCommand($"listen {database.Schema}_done", listener))
            await command.ExecuteNonQueryAsync();
        var heard = new List<string>();
        listener.Notification += (_, message) => heard.Add(message.Payload);
        var late = (await database.SubmitAsync("c"))[0];
        await database.SqlAsync("update jobs set deadline = now() - interval '1 second' where id = $1", late);
        await database.Claims.RescueExpiredAsync(CancellationToken.None);
        Assert.Equal("deadline_passed", (await database.Catalog.FindAsync(late, CancellationToken.None))!.FailureCode);
        Assert.True(await listener.WaitAsync(TimeSpan.FromSeconds(30)));
        Assert.Single(heard);
    }

    [Fact]
    public async Task A_requeued_job_is_claimed_before_jobs_submitted_after_it()
    {
        await using var database = await StartAsync();
        var worker = await database.AddWorkerAsync();
        var ids = await database.SubmitAsync("a", "a", "a", "a");
        var batch = (await database.ClaimAsync(worker, maxJobs: 2))!;
        await database.Claims.FailAsync(batch, [new(ids[0], FailureCode.WeightIntegrity, "drift")], CancellationToken.None);
        await database.SubmitAsync("a", "a");

        Assert.Equal([ids[0], ids[2]], (await database.ClaimAsync(worker, maxJobs: 2))!.Jobs.Select(job => job.JobId));
    }

    [Fact]
    public async Task A_model_registered_again_in_another_case_of_letters_keeps_its_waiting_jobs()
    {
        await using var database = await StartAsync();
        await database.SubmitAsync("a");
        var model = (await database.Models.ListAsync(CancellationToken.None)).Single(known => known.Name == "demo");
        var adapter = (await database.Adapters.ListAsync(CancellationToken.None)).Single(known => known.Name == "a");
        Assert.Equal("demo", await RegisteredAsync());
        await database.Models.AddAsync(model with { Name = "DEMO" }, replace: true, CancellationToken.None);
        await database.Adapters.AddAsync(adapter with { Name = "A" }, replace: true, CancellationToken.None);

        Assert.Equal("demo", await RegisteredAsync());
        Assert.Equal("demo|a@1", (await database.ClaimAsync(await database.AddWorkerAsync()))!.Signature.ToString());
        Assert.Contains(await database.Adapters.ListAsync(CancellationToken.None), known => known.Name == "a");

        async Task<string?> RegisteredAsync() => await database.SqlAsync<string>("select name from models where name_key = 'demo'");
    }

    [Fact]
    public async Task A_dispatch_window_in_an_unknown_time_zone_is_refused_when_it_is_saved()
    {
        await using var database = await StartAsync();
        var error = await Assert.ThrowsAsync<Npgsql.PostgresException>(() => database.SqlAsync(
            "insert into dispatch_windows (name, time_zone, opens, closes) values ('w', 'Europe/Berln', '22:00', '06:00')"));
        Assert.Contains("time zone \"Europe/Berln\" not recognized", error.MessageText, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_worker_takes_only_models_it_may_serve_and_none_that_are_paused()
    {
        await using var database = await StartAsync();
        await database.AddModelAsync("other");
        var worker = await database.AddWorkerAsync();
        await database.Submitter.SubmitAsync(
            [new JobRequest { Model = "demo" }, new JobRequest { Model = "other" }], CancellationToken.None);

        Assert.Equal("other|", (await database.ClaimAsync(worker, models: ["OTHER"]))!.Signature.ToString());
        Assert.Null(await database.ClaimAsync(worker, models: ["other"]));
        await database.SqlAsync("update models set paused = true where name = 'demo'");
        Assert.Null(await database.ClaimAsync(worker));
        await database.SqlAsync("update models set paused = false; update tenants set paused = true");
        Assert.Null(await database.ClaimAsync(worker));
        await database.SqlAsync("update tenants set paused = false");
        Assert.NotNull(await database.ClaimAsync(worker));
    }

    [Fact]
    public async Task A_small_signature_that_another_worker_has_fused_is_not_claimed()
    {
        await using var database = await StartAsync();
        var (one, two) = (await database.AddWorkerAsync("one"), await database.AddWorkerAsync("two"));
        await database.SubmitAsync("a", "a", "a", "b");

        var first = await database.ClaimAsync(one, maxJobs: 2);
        Assert.Equal("demo|b@1", (await database.ClaimAsync(two, maxJobs: 2))!.Signature.ToString());
        Assert.Null(await database.ClaimAsync(two, maxJobs: 2));

        // Given back, it is anybody's.
        await database.Claims.RequeueAsync(first!, CancellationToken.None);
        Assert.Equal("demo|a@1", (await database.ClaimAsync(two, maxJobs: 2))!.Signature.ToString());
    }

    [Fact]
    public async Task A_large_signature_is_shared()
    {
        await using var database = await StartAsync();
        var (one, two) = (await database.AddWorkerAsync("one"), await database.AddWorkerAsync("two"));
        await database.SubmitAsync(Enumerable.Repeat("a", 10));

        Assert.Equal(2, (await database.ClaimAsync(one, maxJobs: 2))!.Jobs.Count);
        Assert.Equal(2, (await database.ClaimAsync(two, maxJobs: 2))!.Jobs.Count);
    }

    [Fact]
    public async Task A_large_signature_is_shared_only_when_no_signature_without_a_worker_waits()
    {
        await using var database = await StartAsync();
        var (one, two) = (await database.AddWorkerAsync("one"), await database.AddWorkerAsync("two"));
        await database.SubmitAsync([.. Enumerable.Repeat("a", 20), "b", "c"]);

        Assert.Equal("demo|a@1", (await database.ClaimAsync(one, maxJobs: 2))!.Signature.ToString());
        Assert.Equal("demo|b@1", (await database.ClaimAsync(two, maxJobs: 2))!.Signature.ToString());
        Assert.Equal("demo|c@1", (await database.ClaimAsync(two, maxJobs: 2))!.Signature.ToString());
        Assert.Equal("demo|a@1", (await database.ClaimAsync(two, maxJobs: 2))!.Signature.ToString());
    }

    [Fact]
    public async Task Tenants_are_served_by_weight()
    {
        await using var database = await StartAsync(new() { MaxBatchesPerSignature = 1 });
        await database.SqlAsync("insert into tenants (name, weight) values ('heavy', 3), ('light', 1)");
        foreach (var tenant in new[] { "heavy", "light" })
            await database.Submitter.SubmitAsync(Enumerable.Range(0, 60)
                .Select(i => new JobRequest { Adapters = [new(((char)('a' + i % 4)).ToString(), tenant == "heavy" ? 1m : 0.5m)] })
                .ToArray(), tenant, CancellationToken.None);
        var worker = await database.AddWorkerAsync();

        var order = await DrainAsync(database, worker, 40, maxJobs: 1);
        Assert.InRange(order.Count(signature => signature.EndsWith("@1", StringComparison.Ordinal)), 29, 31);
    }

    [Fact]
    public async Task Jobs_of_other_tenants_with_the_same_signature_fill_the_batch()
    {
        await using var database = await StartAsync();
        await database.SqlAsync("insert into tenants (name) values ('other')");
        await database.SubmitAsync("a", "b");
        await database.Submitter.SubmitAsync([new JobRequest { Adapters = [new("a")] }], "other", CancellationToken.None);

        Assert.Equal(2, (await database.ClaimAsync(await database.AddWorkerAsync()))!.Jobs.Count);
    }

    [Fact]
    public async Task A_batch_is_limited_by_pixels_but_never_empty()
    {
        await using var database = await StartAsync();
        var worker = await database.AddWorkerAsync();
        await database.Submitter.SubmitAsync(
            [new() { Width = 1024, Height = 1024 }, new() { Width = 64, Height = 64 }, new() { Width = 64, Height = 64 }],
            CancellationToken.None);

        var request = new BatchGen.Queue.Claims.ClaimRequest(worker, null, 32, MaxPixels: 10_000);
        Assert.Equal(1024, Assert.Single((await database.Claims.ClaimAsync(request, CancellationToken.None))!.Jobs).Recipe.WidthPixels);
        Assert.Equal(2, (await database.Claims.ClaimAsync(request, CancellationToken.None))!.Jobs.Count);
    }

    [Fact]
    public async Task Claims_of_many_workers_at_once_never_share_a_job()
    {
        await using var database = await StartAsync();
        await database.SubmitAsync(
            Enumerable.Range(0, 600).Select(i => ((char)('a' + i % 7 * (i % 3))).ToString() is var name && name[0] <= 'd' ? name : "a"));
        var workers = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => database.AddWorkerAsync($"w{i}")));

        var claimed = await Task.WhenAll(workers.Select(async worker =>
        {
            var mine = new List<long>();
            for (var empty = 0; empty < 20;)
            {
                if (await database.ClaimAsync(worker, maxJobs: 5) is not { } batch)
                {
                    empty++;
                    continue;
                }

                mine.AddRange(batch.Jobs.Select(job => job.JobId));
                await database.CompleteAsync(batch);
                await database.Claims.RequeueAsync(batch, CancellationToken.None);
            }

            return mine;
        }));

        var all = claimed.SelectMany(ids => ids).ToArray();
        Assert.Equal(all.Length, all.Distinct().Count());
        Assert.Equal(600, all.Length);
        Assert.Equal(new JobCounts(0, 0, 600, 0, 0, 0), await database.Catalog.CountAsync(null, CancellationToken.None));
    }

    [Fact]
    public async Task An_unknown_or_stopped_worker_may_not_claim()
    {
        await using var database = await StartAsync();
        await Assert.ThrowsAsync<QueueException>(() => database.ClaimAsync(Guid.NewGuid()));
        var worker = await database.AddWorkerAsync();
        await database.Workers.StopAsync(worker, "test", CancellationToken.None);
        await Assert.ThrowsAsync<QueueException>(() => database.ClaimAsync(worker));
    }

    [Fact]
    public async Task A_paused_or_draining_worker_gets_nothing()
    {
        await using var database = await StartAsync();
        var worker = await database.AddWorkerAsync();
        await database.SubmitAsync("a");

        await database.Workers.OrderAsync(worker, paused: true, draining: null, CancellationToken.None);
        Assert.Equal(new(true, false), await database.Workers.HeartbeatAsync(worker, default, CancellationToken.None));
        Assert.Null(await database.ClaimAsync(worker));
        await database.Workers.OrderAsync(worker, paused: false, draining: true, CancellationToken.None);
        Assert.Null(await database.ClaimAsync(worker));
        await database.Workers.OrderAsync(worker, paused: null, draining: false, CancellationToken.None);
        Assert.NotNull(await database.ClaimAsync(worker));
    }

    private static async Task<TestDatabase> StartAsync(QueueOptions? options = null)
    {
        var database = await TestDatabase.CreateAsync(options);
        await database.AddModelAsync();
        await database.AddAdaptersAsync("a", "b", "c", "d");
        return database;
    }

    private static Task<IReadOnlyList<long>> SubmitAsync(TestDatabase database, params (string Adapter, int Priority)[] jobs) =>
        database.Submitter.SubmitAsync(
            jobs.Select(job => new JobRequest { Adapters = [new(job.Adapter)], Priority = job.Priority }).ToArray(),
            CancellationToken.None);

    private static Task AgeAsync(TestDatabase database, string signature, TimeSpan age) =>
        database.SqlAsync(
            "with aged as (update jobs set run_at = now() - $2 where signature = $1) select nextval('requeues')", signature, age);

    private static async Task<List<string>> DrainAsync(TestDatabase database, Guid worker, int batches = int.MaxValue, int maxJobs = 32)
    {
        var signatures = new List<string>();
        while (signatures.Count < batches && await database.ClaimAsync(worker, maxJobs) is { } batch)
        {
            signatures.Add(batch.Signature.ToString());
            await database.FinishAsync(batch);
        }

        return signatures;
    }
}
