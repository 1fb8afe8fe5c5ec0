using System.Security.Cryptography;
using System.Text;
using BatchGen.Core.Failures;
using BatchGen.Core.Jobs;
using BatchGen.Core.Rendering;
using BatchGen.Queue.Access;
using BatchGen.Queue.Canaries;
using BatchGen.Queue.Jobs;
using BatchGen.Queue.Schedules;
using BatchGen.Queue.Upkeep;
using BatchGen.Testing;

namespace BatchGen.DatabaseTests.Migrations.Upgrades;

/// <summary>Fills a database as a busy queue does, with the program of this version: at least a thousand jobs in every
/// state, a row in every table.</summary>
internal static class UpgradeFill
{
    private const int PerState = 1000;
    private const int Batch = 40;
    private const int Archived = 80;

    private static readonly string[] Colors = ["red", "green", "blue"];

    /// <summary>Fills a new database.</summary>
    public static async Task FillAsync(TestDatabase database)
    {
        await RegisterAsync(database);
        await database.Submitter.SubmitManyAsync(Enumerable.Range(0, Archived).Select(Job), null, CancellationToken.None);
        var worker = await database.AddWorkerAsync("gpu-1");
        await DrawAsync(database, worker, Archived, verify: true);
        await new QueueUpkeep(database.Queue).ArchiveJobsAsync(TimeSpan.Zero, CancellationToken.None);

        await database.Submitter.SubmitManyAsync(Enumerable.Range(Archived, 5 * PerState + 600).Select(Job), null, CancellationToken.None);
        await database.Submitter.SubmitManyAsync(Enumerable.Range(10_000, 200).Select(Job), "studio", CancellationToken.None);
        await DrawAsync(database, worker, PerState, verify: true);
        await DrawAsync(database, worker, 2 * Batch, verify: false);
        await FailAsync(database, worker, PerState, FailureCode.InvalidJob);
        await FailAsync(database, worker, 2 * Batch, FailureCode.Generation);
        await CheckDriftAsync(database);
        await CancelAsync(database);
        await RunAsync(database, PerState);
        await AddPeopleAsync(database, worker);
        // Some counts are folded, some are not.
        await database.Claims.RescueExpiredAsync(CancellationToken.None);
        await database.Submitter.SubmitAsync([Job(20_000)], CancellationToken.None);
        await database.SqlAsync(
            "insert into staged_jobs (load, recipe, adapters) values ('left over', '{\"prompt\": \"a cup\"}', 'ink@0.5')");
        await database.SqlAsync(
            $"insert into start_images (name, tenant_id, size_bytes) select '{Digest("start")}.png', id, 1000 from tenants "
            + "where name = 'studio'");
        await database.SqlAsync(
            "insert into unsettled_jobs (job_id, batch_id) select id, batch_id from jobs where state = 'running' limit 1");
        await database.SqlAsync(
            "select note_lack(id, 'adapter', 'neon', repeat('a', 64), 'no such file') from workers where name = 'gpu-1'");
    }

    private static JobRequest Job(int i) => new()
    {
        Prompt = $"a {Colors[i % Colors.Length]} cube, number {i}",
        NegativePrompt = i % 4 == 0 ? "blurred" : null,
        Model = i % 9 == 0 ? "large" : "demo",
        Adapters = (i % 9, i % 5) switch
        {
            (0, _) or (_, 0) => [],
            (_, 1) => [new("ink", 0.8m)],
            (_, 2) => [new("wash", 0.5m), new("ink", 0.25m)],
            _ => [new("neon")],
        },
        Seed = i,
        Priority = i % 7 == 0 ? 10 : 0,
        Campaign = i % 3 == 0 ? "spring" : null,
        Tags = i % 11 == 0 ? ["poster", "draft"] : null,
        IdempotencyKey = i % 13 == 0 ? $"key {i}" : null,
        RunAt = i % 50 == 49 ? new DateTimeOffset(2099, 1, 1, 0, 0, i % 60, TimeSpan.Zero) : null,
        Deadline = i % 51 == 50 ? new DateTimeOffset(2100, 1, 1, 0, 0, 0, TimeSpan.Zero) : null,
    };

    private static string Digest(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    private static async Task RegisterAsync(TestDatabase database)
    {
        await database.AddModelAsync();
        await database.AddModelAsync("large", "sdxl", 1024);
        await database.AddAdaptersAsync("ink", "wash", "neon");
        await database.SqlAsync("insert into tenants (name, weight, max_priority) values ('studio', 2, 50)");
        await database.SqlAsync("insert into tenant_roles (role_name, tenant_id) select 'shop', id from tenants where name = 'studio'");
        var windows = new WindowStore(database.Queue);
        await windows.SaveAsync("always", "Europe/Berlin", new(0, 0), new(0, 0), CancellationToken.None);
    }

    private static async Task DrawAsync(TestDatabase database, Guid worker, int jobs, bool verify)
    {
        for (var left = jobs; left > 0 && await database.ClaimAsync(worker, Batch) is { } batch; left -= batch.Jobs.Count)
        {
            await database.Claims.HeartbeatAsync(batch, new(1, 5, 20), CancellationToken.None);
            await database.FinishAsync(batch);
            if (verify) await database.CheckpointAsync(worker, CheckpointVerdict.Passed, batch);
        }
    }

    private static async Task FailAsync(TestDatabase database, Guid worker, int jobs, FailureCode code)
    {
        for (var left = jobs; left > 0 && await database.ClaimAsync(worker, Batch) is { } batch; left -= batch.Jobs.Count)
        {
            await database.Claims.FailAsync(
                batch, [.. batch.Jobs.Select(job => new FailedJob(job.JobId, code, $"job {job.JobId}: not a number"))],
                CancellationToken.None);
            await database.Claims.CloseAsync(batch, CancellationToken.None);
        }
    }

    // A worker whose weights changed: its images are discarded, and it draws on after a reload.
    private static async Task CheckDriftAsync(TestDatabase database)
    {
        var worker = await database.AddWorkerAsync("gpu-2");
        await DrawAsync(database, worker, Batch, verify: false);
        await database.CheckpointAsync(worker, CheckpointVerdict.Drifted);
        await database.CheckpointAsync(worker, CheckpointVerdict.Restored);
        await database.Workers.StopAsync(worker, "stopped by a person", CancellationToken.None);
    }

    private static async Task CancelAsync(TestDatabase database)
    {
        var waiting = await database.SqlAsync<long[]>(
            $"select array_agg(id) from (select id from jobs where state = 'queued' and run_at < now() order by id limit {PerState}) w");
        await new JobActions(database.Queue).CancelAsync(waiting!, CancellationToken.None);
    }

    private static async Task RunAsync(TestDatabase database, int jobs)
    {
        // Each worker takes what the others leave to it.
        for (var (left, n) = (jobs, 1); left > 0 && n < 10; n++)
        {
            var worker = await database.AddWorkerAsync($"gpu-1{n}");
            while (left > 0 && await database.ClaimAsync(worker, 200) is { } batch) left -= batch.Jobs.Count;
        }
    }

    private static async Task AddPeopleAsync(TestDatabase database, Guid worker)
    {
        var access = new AccessStore(database.Queue);
        await access.SaveAccountAsync("ada", "pbkdf2$of$ada", "operator", CancellationToken.None);
        await access.SaveAccountAsync("bob", "pbkdf2$of$bob", "viewer", CancellationToken.None);
        await access.AddSessionAsync(SHA256.HashData("a login of ada"u8), "ada", TimeSpan.FromDays(7), CancellationToken.None);
        await access.AddKeyAsync("shop", SHA256.HashData(Encoding.UTF8.GetBytes("shop")), "submitter", "studio", CancellationToken.None);
        await access.AddKeyAsync("old", SHA256.HashData(Encoding.UTF8.GetBytes("old")), "viewer", null, CancellationToken.None);
        await access.RevokeKeyAsync("old", CancellationToken.None);
        var schedules = new ScheduleStore(database.Queue);
        var id = await schedules.SaveAsync("nightly", "0 22 * * *", "Europe/Berlin", "prompt\na red cube\n", 1, CancellationToken.None);
        await schedules.NoteRunAsync(id, "1 job", CancellationToken.None);
        var kind = new CanaryKind("demo", Digest("demo"), "test processor", "float32", "a red cube, 4 steps");
        var canaries = new CanaryLog(database.Queue);
        await canaries.RecordAsync(
            new(worker, null, kind, CanaryVerdict.First, Digest("pixels"), null, null, 12, [1, 2, 3]), CancellationToken.None);
        await canaries.RecordAsync(
            new(worker, 3, kind, CanaryVerdict.Equal, Digest("pixels"), null, null, 12, [1, 2, 3]), CancellationToken.None);
    }
}
