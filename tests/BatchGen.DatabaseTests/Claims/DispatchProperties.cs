using BatchGen.Core.Failures;
using BatchGen.Core.Jobs;
using BatchGen.Core.Rendering;
using BatchGen.Queue;
using BatchGen.Testing;
using FsCheck;
using FsCheck.Fluent;
using Npgsql;
using Xunit;

namespace BatchGen.DatabaseTests.Claims;

/// <summary>Random histories against simple models.</summary>
public sealed class DispatchProperties
{
    private static readonly string[] Adapters = ["a", "b", "c", "d", "e"];

    [Fact]
    public async Task The_database_dispatches_as_the_model_does()
    {
        await using var database = await StartAsync(new() { MaxWait = TimeSpan.FromMinutes(10), MaxBatchesPerSignature = 3, LeaseDuration = TimeSpan.FromHours(1) });

        // The model's jobs are 20 seconds older than the minutes say, so that the real time a test takes never decides who is overdue.
        Check(12, 60, async steps =>
        {
            await ResetAsync(database);
            var (model, now) = (new DispatchModel(TimeSpan.FromMinutes(10), 3), new DateTime(2026, 1, 31, 0, 0, 0, DateTimeKind.Utc));
            var workers = new[] { await database.AddWorkerAsync("one"), await database.AddWorkerAsync("two") };
            var memories = workers.Select(_ => new DispatchModel.Memory()).ToArray();
            var open = new ClaimedBatch?[workers.Length];
            var waiting = new Dictionary<long, DispatchModel.Waiting>();
            var weights = new Dictionary<string, double>(StringComparer.Ordinal) { ["default"] = 1 };
            foreach (var (kind, x, y) in steps)
            {
                if (kind % 3 == 0)
                {
                    var requests = Enumerable.Range(0, x % 6 + 1).Select(i => new JobRequest { Adapters = [new(Adapters[(y + i * i) % Adapters.Length])], Priority = (x + i) % 7 == 0 ? 1 : 0 }).ToArray();
                    var ids = await database.Submitter.SubmitAsync(requests, CancellationToken.None);
                    for (var i = 0; i < ids.Count; i++) waiting.Add(ids[i], new(ids[i], "default", requests[i].Priority!.Value, $"demo|{requests[i].Adapters![0].Name}@1", now.AddSeconds(-20).AddMicroseconds(ids[i])));
                    // Who is oldest among jobs of one call is not promised, so they are told apart here, by id, as the model does.
                    await database.SqlAsync("update jobs set run_at = date_trunc('second', run_at) + id * interval '1 microsecond' where id = any($1)", ids.ToArray());
                    continue;
                }

                // Time passes: every waiting job grows older.
                var minutes = x % 4;
                await database.SqlAsync("with older as (update jobs set run_at = run_at - $1 where shelf = 'ready') select nextval('requeues')", TimeSpan.FromMinutes(minutes));
                now = now.AddMinutes(minutes);

                var (w, size) = (x % workers.Length, y % 4 + 1);
                if (open[w] is { } last)
                {
                    await database.CompleteAsync(last);
                    await database.Claims.GiveBackAsync(last, CancellationToken.None);
                    open[w] = null;
                }

                var held = open.Where((batch, i) => i != w && batch is not null).GroupBy(batch => batch!.Signature.ToString()).ToDictionary(group => group.Key, group => group.Count(), StringComparer.Ordinal);
                var expected = model.Claim(waiting.Values, memories[w], weights, held, size, now);
                open[w] = await database.ClaimAsync(workers[w], size);
                Assert.Equal(expected.Select(job => job.Id), open[w]?.Jobs.Select(job => job.JobId) ?? []);
                foreach (var job in expected) waiting.Remove(job.Id);
            }
        });
    }

    [Fact]
    public async Task No_job_is_lost_or_under_two_leases_whatever_happens()
    {
        await using var database = await StartAsync(new() { RetryDelay = TimeSpan.Zero });
        Check(12, 70, async steps =>
        {
            await ResetAsync(database);
            var workers = new[] { await database.AddWorkerAsync("one"), await database.AddWorkerAsync("two"), await database.AddWorkerAsync("three") };
            var open = new ClaimedBatch?[workers.Length];
            var states = new Dictionary<long, JobState>();
            var (holder, unverified) = (new Dictionary<long, int>(), new Dictionary<long, int>());
            foreach (var (kind, x, y) in steps)
            {
                var w = x % workers.Length;
                switch (kind % 9)
                {
                    case 0:
                        foreach (var id in await database.SubmitAsync(Enumerable.Range(0, y % 5 + 1).Select(i => Adapters[(x + i) % 2]))) states.Add(id, JobState.Queued);
                        break;
                    case 1 or 2 or 3 when open[w] is null:
                        open[w] = await database.ClaimAsync(workers[w], y % 5 + 1);
                        foreach (var job in open[w]?.Jobs ?? [])
                        {
                            Assert.Equal(JobState.Queued, states[job.JobId]);
                            Assert.True(holder.TryAdd(job.JobId, w), $"job {job.JobId} is under two leases");
                            states[job.JobId] = JobState.Running;
                        }

                        break;
                    case 4 when open[w] is { } batch:
                        var done = batch.Jobs.Where(job => states[job.JobId] == JobState.Running && holder.GetValueOrDefault(job.JobId, -1) == w).Take(y % 4 + 1).Select(job => job.JobId).ToArray();
                        if (done.Length == 0) break;
                        await database.CompleteAsync(batch, done);
                        foreach (var id in done)
                        {
                            states[id] = JobState.Succeeded;
                            unverified[id] = w;
                        }

                        break;
                    case 5 when open[w] is { } batch:
                        var failed = batch.Jobs.FirstOrDefault(job => states[job.JobId] == JobState.Running && holder.GetValueOrDefault(job.JobId, -1) == w);
                        if (failed is null) break;
                        var final = y % 2 == 0;
                        await database.Claims.FailAsync(batch, [new(failed.JobId, final ? FailureCode.Adapter : FailureCode.WeightIntegrity, "x")], CancellationToken.None);
                        states[failed.JobId] = final ? JobState.Failed : JobState.Queued;
                        holder.Remove(failed.JobId);
                        break;
                    case 6 when open[w] is { } batch:
                        if (y % 2 == 0)
                        {
                            await database.Claims.GiveBackAsync(batch, CancellationToken.None);
                        }
                        else
                        {
                            // The worker died: what it finished is not vouched for and comes back too.
                            await database.SqlAsync("update batches set lease_expires_at = now() - interval '1 s' where id = $1", batch.BatchId);
                            Assert.Equal(1, await database.Claims.RescueExpiredAsync(CancellationToken.None));
                            await Assert.ThrowsAsync<LeaseLostException>(() => database.CompleteAsync(batch));
                            foreach (var job in batch.Jobs.Where(job => unverified.GetValueOrDefault(job.JobId, -1) == w && holder.GetValueOrDefault(job.JobId, -1) == w))
                            {
                                unverified.Remove(job.JobId);
                                states[job.JobId] = JobState.Queued;
                            }
                        }

                        foreach (var job in batch.Jobs)
                        {
                            if (states[job.JobId] == JobState.Running && holder.GetValueOrDefault(job.JobId, -1) == w)
                                states[job.JobId] = y % 2 != 0 && batch.Jobs.Count == 1 && job.Attempt >= 3 ? JobState.Failed : JobState.Queued;
                            if (holder.GetValueOrDefault(job.JobId, -1) == w) holder.Remove(job.JobId);
                        }

                        open[w] = null;
                        break;
                    case 7:
                        var drifted = y % 3 == 0;
                        await database.CheckpointAsync(workers[w], drifted ? CheckpointVerdict.Drifted : CheckpointVerdict.Passed);
                        foreach (var id in unverified.Where(pair => pair.Value == w).Select(pair => pair.Key).ToArray())
                        {
                            unverified.Remove(id);
                            if (!drifted) continue;
                            states[id] = JobState.Queued;
                            holder.Remove(id);
                        }

                        break;
                    case 8 when states.Count > 0:
                        var target = states.Keys.ElementAt(y % states.Count);
                        if (x % 2 == 0)
                        {
                            var cancelled = await database.Catalog.CancelAsync([target], CancellationToken.None);
                            Assert.Equal(states[target] is JobState.Queued or JobState.Running, cancelled.Count == 1);
                            if (cancelled.Count == 1) states[target] = JobState.Cancelled;
                        }
                        else
                        {
                            var retried = await database.Catalog.RetryAsync([target], CancellationToken.None);
                            Assert.Equal(states[target] is JobState.Failed or JobState.Cancelled, retried.Count == 1);
                            if (retried.Count == 1)
                            {
                                states[target] = JobState.Queued;
                                holder.Remove(target);
                            }
                        }

                        break;
                }
            }

            var recorded = await StatesAsync(database);
            Assert.Equal(states.OrderBy(pair => pair.Key), recorded.OrderBy(pair => pair.Key));
            var counts = await database.Catalog.CountAsync(null, CancellationToken.None);
            Assert.Equal(states.Values.Count(state => state == JobState.Queued), counts.Queued);
            Assert.Equal(states.Values.Count(state => state == JobState.Succeeded), counts.Succeeded);
            Assert.Equal(states.Values.Count(state => state == JobState.Succeeded) - unverified.Count, counts.Verified);
        });
    }

    [Fact]
    public async Task A_trickle_beside_a_hot_signature_waits_no_longer_than_the_bound()
    {
        var maxWait = TimeSpan.FromMinutes(10);
        await using var database = await StartAsync(new() { MaxWait = maxWait, MaxBatchesPerSignature = 100_000, LeaseDuration = TimeSpan.FromHours(1) });
        Check(4, 60, async steps =>
        {
            await ResetAsync(database);
            var worker = await database.AddWorkerAsync();
            var submitted = new Dictionary<long, int>();
            for (var minute = 0; minute < steps.Length; minute++)
            {
                // Each batch takes one minute, in which as many hot jobs arrive as it held, and sometimes another job.
                var (kind, x, _) = steps[minute];
                foreach (var id in await database.SubmitAsync(Enumerable.Repeat("c", 4).Concat(kind % 4 == 0 ? [Adapters[x % 5]] : []))) submitted.Add(id, minute);
                var overdue = await database.SqlAsync<long>("select count(distinct signature) from jobs where shelf = 'ready' and run_at <= now() - interval '10 minutes'");
                var batch = (await database.ClaimAsync(worker, 4))!;
                Assert.All(batch.Jobs, job => Assert.True(minute - submitted[job.JobId] <= 10 + Math.Max(1, overdue), $"job {job.JobId} waited {minute - submitted[job.JobId]} minutes"));
                if (overdue > 0) Assert.Contains(batch.Jobs, job => minute - submitted[job.JobId] >= 10);
                await database.FinishAsync(batch);
                await database.SqlAsync("with older as (update jobs set run_at = run_at - interval '1 minute' where shelf = 'ready') select nextval('requeues')");
            }
        });
    }

    [Fact]
    public async Task Backlogged_tenants_are_served_by_weight_whatever_their_weights()
    {
        await using var database = await StartAsync(new() { MaxBatchesPerSignature = 2, LeaseDuration = TimeSpan.FromHours(1) });
        await database.SqlAsync("insert into tenants (name) values ('t1'), ('t2')");
        Check(4, 3, async steps =>
        {
            await ResetAsync(database);
            var weights = steps.Select(step => 1 + step.X % 5).ToArray();
            for (var t = 0; t < 3; t++)
            {
                var name = t == 0 ? "default" : $"t{t}";
                await database.SqlAsync("update tenants set weight = $2 where name = $1", name, (float)weights[t]);
                await database.Submitter.SubmitAsync(Enumerable.Range(0, 150).Select(i => new JobRequest { Adapters = [new(Adapters[i % 5], t + 1)] }).ToArray(), name, CancellationToken.None);
            }

            var (worker, served, total) = (await database.AddWorkerAsync(), new int[3], 0);
            while (total < 150)
            {
                var batch = (await database.ClaimAsync(worker, 2))!;
                served[(int)batch.Signature.Adapters[0].Strength - 1] += batch.Jobs.Count;
                total += batch.Jobs.Count;
                await database.CompleteAsync(batch);
                await database.Claims.GiveBackAsync(batch, CancellationToken.None);
            }

            // A tenant keeps its turn for a signature's budget: two batches of two jobs.
            for (var t = 0; t < 3; t++) Assert.InRange(served[t], total * weights[t] / (double)weights.Sum() - 6, total * weights[t] / (double)weights.Sum() + 6);
        });
    }

    private static void Check(int histories, int length, Func<(int Kind, int X, int Y)[], Task> property)
    {
        var step = from kind in Gen.Choose(0, 999) from x in Gen.Choose(0, 999) from y in Gen.Choose(0, 999) select (kind, x, y);
        Prop.ForAll(step.ArrayOf(length).ToArbitrary(), property).Check(Config.QuickThrowOnFailure.WithMaxTest(histories).WithQuietOnSuccess(true));
    }

    private static async Task<TestDatabase> StartAsync(QueueOptions options)
    {
        var database = await TestDatabase.CreateAsync(options);
        await database.AddModelAsync();
        await database.AddAdaptersAsync(Adapters);
        return database;
    }

    private static Task ResetAsync(TestDatabase database) =>
        database.SqlAsync("truncate jobs, job_recipes, images, job_attempts, job_counts, job_count_changes, batches, campaign_batches, weight_checkpoints, workers cascade");

    private static async Task<Dictionary<long, JobState>> StatesAsync(TestDatabase database)
    {
        await using var connection = await database.ConnectAsync();
        await using var command = new NpgsqlCommand("select id, state from jobs", connection);
        await using var reader = await command.ExecuteReaderAsync();
        var states = new Dictionary<long, JobState>();
        while (await reader.ReadAsync()) states.Add(reader.GetInt64(0), JobStates.Parse(reader.GetString(1)));
        return states;
    }
}
