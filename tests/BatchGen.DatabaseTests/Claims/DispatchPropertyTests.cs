using BatchGen.Core.Jobs;
using BatchGen.Testing;
using Xunit;

namespace BatchGen.DatabaseTests.Claims;

/// <summary>What holds for the order of dispatch in random histories.</summary>
public sealed class DispatchPropertyTests
{
    [Fact]
    public async Task Claims_take_the_jobs_that_the_model_takes()
    {
        var maxWait = TimeSpan.FromMinutes(10);
        const int MaxBatches = 3;
        await using var database = await RandomHistory.CreateDatabaseAsync(
            new() { MaxWait = maxWait, MaxBatchesPerSignature = MaxBatches, LeaseDuration = TimeSpan.FromHours(1) });
        RandomHistory.Check(12, 60, async steps =>
        {
            var history = await DispatchHistory.BeginAsync(database, new DispatchModel(maxWait, MaxBatches));
            foreach (var step in steps) await history.TakeAsync(step);
        });
    }

    [Fact]
    public async Task Rare_jobs_beside_a_frequent_signature_wait_no_longer_than_max_wait_and_one_batch_for_each_overdue_signature()
    {
        const int MaxWaitMinutes = 10;
        await using var database = await RandomHistory.CreateDatabaseAsync(
            new()
            {
                MaxWait = TimeSpan.FromMinutes(MaxWaitMinutes),
                MaxBatchesPerSignature = 100_000,
                LeaseDuration = TimeSpan.FromHours(1),
            });
        RandomHistory.Check(4, 60, async steps =>
        {
            await RandomHistory.EmptyQueueAsync(database);
            var worker = await database.AddWorkerAsync();
            var submittedAt = new Dictionary<long, int>();
            // Each batch takes one minute, in which as many frequent jobs arrive as it held, and sometimes a rare one.
            for (var minute = 0; minute < steps.Length; minute++)
            {
                string[] rare =
                    steps[minute].Action % 4 == 0 ? [RandomHistory.Adapters[steps[minute].X % RandomHistory.Adapters.Count]] : [];
                foreach (var id in await database.SubmitAsync(Enumerable.Repeat("c", 4).Concat(rare))) submittedAt.Add(id, minute);
                var overdue = await CountOverdueSignaturesAsync(database);

                var batch = (await database.ClaimAsync(worker, 4))!;

                var waits = batch.Jobs.Select(job => minute - submittedAt[job.JobId]).ToArray();
                Assert.All(waits, wait => Assert.InRange(wait, 0, MaxWaitMinutes + Math.Max(1, overdue)));
                if (overdue > 0) Assert.Contains(waits, wait => wait >= MaxWaitMinutes);
                await database.FinishAsync(batch);
                await RandomHistory.PassTimeAsync(database, TimeSpan.FromMinutes(1));
            }
        });
    }

    [Fact]
    public async Task Tenants_with_a_backlog_are_served_in_proportion_to_their_weights()
    {
        const int BatchSize = 2;
        const int BatchesPerTurn = 2;
        const int JobsServed = 150;
        await using var database = await RandomHistory.CreateDatabaseAsync(
            new() { MaxBatchesPerSignature = BatchesPerTurn, LeaseDuration = TimeSpan.FromHours(1) });
        string[] tenants = ["default", "t1", "t2"];
        await database.SqlAsync("insert into tenants (name) values ('t1'), ('t2')");
        RandomHistory.Check(4, tenants.Length, async steps =>
        {
            await RandomHistory.EmptyQueueAsync(database);
            var weights = steps.Select(step => 1 + step.X % 5).ToArray();
            for (var t = 0; t < tenants.Length; t++) await SubmitOfTenantAsync(database, tenants[t], weights[t], strength: t + 1);

            var served = await ServeAsync(database, JobsServed, BatchSize, tenants.Length);

            // A tenant keeps its turn for the budget of a signature, two batches of two jobs, and each side of a turn may be cut off.
            for (var t = 0; t < tenants.Length; t++)
            {
                var fair = served.Sum() * weights[t] / (double)weights.Sum();
                Assert.InRange(served[t], fair - 6, fair + 6);
            }
        });
    }

    private static Task<long> CountOverdueSignaturesAsync(TestDatabase database) => database.SqlAsync<long>(
        "select count(distinct signature) from jobs where indexed_state = 'ready' and run_at <= now() - interval '10 minutes'");

    // The strength of the adapter says which tenant a job belongs to.
    private static async Task SubmitOfTenantAsync(TestDatabase database, string tenant, int weight, int strength)
    {
        await database.SqlAsync("update tenants set weight = $2 where name = $1", tenant, (float)weight);
        var jobs = Enumerable.Range(0, 150).Select(i => new JobRequest { Adapters = [new(RandomHistory.Adapters[i % 5], strength)] });
        await database.Submitter.SubmitAsync(jobs.ToArray(), tenant, CancellationToken.None);
    }

    // Claims and completes batches until so many jobs are done, and counts them by tenant.
    private static async Task<int[]> ServeAsync(TestDatabase database, int jobs, int batchSize, int tenants)
    {
        var worker = await database.AddWorkerAsync();
        var served = new int[tenants];
        while (served.Sum() < jobs)
        {
            var batch = (await database.ClaimAsync(worker, batchSize))!;
            served[(int)batch.Signature.Adapters[0].Strength - 1] += batch.Jobs.Count;
            await database.CompleteAsync(batch);
            await database.Claims.RequeueAsync(batch, CancellationToken.None);
        }

        return served;
    }
}
