using System.Diagnostics;
using BatchGen.Core.Jobs;
using BatchGen.Core.Rendering;
using BatchGen.Queue;
using BatchGen.Queue.Checkpoints;
using BatchGen.Queue.Claims;
using BatchGen.Queue.Jobs;
using BatchGen.Queue.Signals;
using BatchGen.Queue.Upkeep;
using BatchGen.Queue.Workers;
using BatchGen.Testing;
using Npgsql;
using Xunit;

namespace BatchGen.DatabaseTests.Signals;

/// <summary>Producers and workers behind PgBouncer in transaction mode, which gives each transaction any server connection.</summary>
public sealed class PgBouncerTests
{
    private const string Program = "/usr/sbin/pgbouncer";
    private const int ServerConnections = 3;

    [Fact]
    public async Task Jobs_are_submitted_claimed_completed_and_verified_behind_pgbouncer_in_transaction_mode()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddModelAsync();
        await BehindPoolerAsync(database, "batchgen_worker, batchgen_submitter", async queue =>
        {
            var (workers, claims, worker) = (new WorkerRegistry(queue), new BatchClaims(queue), Guid.NewGuid());
            await workers.StartAsync(worker, "pooled", new DeviceInfo("cpu", "x", "float32"), CancellationToken.None);
            await using var signal = new WorkSignal(queue);

            // Notifications do not come through the pooler: the wait ends by polling.
            await Wait.ForAsync("the first wait ended", signal.WaitAsync(CancellationToken.None));
            await Wait.ForAsync("the second wait ended by polling", signal.WaitAsync(CancellationToken.None));
            var ids = await Task.WhenAll(Enumerable.Range(0, 20)
                .Select(i => new JobSubmitter(queue).SubmitAsync([new JobRequest { Prompt = $"{i}" }], CancellationToken.None)));
            var done = 0;
            while (await claims.ClaimAsync(new ClaimRequest(worker, null, 8), CancellationToken.None) is { } batch)
            {
                await claims.HeartbeatAsync(batch, new(0, 0, 0), CancellationToken.None);
                var completed = batch.Jobs.Select(
                    job => new CompletedJob(job.JobId, $"{job.JobId}.png", 1, new string('0', 64), 512, 512, 1, "{}"));
                await claims.CompleteAsync(batch, [.. completed], CancellationToken.None);
                var checkpoint = new WeightCheckpoint(worker, batch.BatchId, batch.Epoch, "demo", new("cpu", "x", "float32"),
                    new(true, "a", "a", 1, 1, [], 1), CheckpointVerdict.Passed, null);
                await new CheckpointLog(queue).RecordAsync(checkpoint, CancellationToken.None);
                await claims.CloseAsync(batch, CancellationToken.None);
                done += batch.Jobs.Count;
            }

            Assert.Equal(ids.Length, done);
            Assert.Equal(20, (await new JobCatalog(queue).CountAsync(null, CancellationToken.None)).Verified);
        });
    }

    [Fact]
    public async Task Upkeep_behind_pgbouncer_leaves_no_lock_on_a_pooled_connection()
    {
        await using var database = await TestDatabase.CreateAsync();
        var owner = new NpgsqlConnectionStringBuilder(database.ConnectionString).Username;
        await BehindPoolerAsync(database, $"\"{owner}\"", async queue =>
        {
            var connections = await Task.WhenAll(
                Enumerable.Range(0, ServerConnections).Select(async _ => await queue.DataSource.OpenConnectionAsync()));
            // A transaction on each at the same time makes the pooler open every server connection it may; it then uses them in turn.
            foreach (var connection in connections) await connection.BeginTransactionAsync();
            foreach (var connection in connections) await connection.DisposeAsync();
            var upkeep = new QueueUpkeep(queue);
            var limits = new RetentionLimits(TimeSpan.FromDays(1), TimeSpan.FromDays(1), TimeSpan.FromDays(1));

            for (var run = 0; run < 3; run++)
            {
                Assert.NotNull(await upkeep.RetainAsync(limits, CancellationToken.None));
                Assert.NotNull(await upkeep.ReindexAsync(1 << 30, CancellationToken.None));
            }
        });
    }

    private static async Task BehindPoolerAsync(TestDatabase database, string roles, Func<QueueDatabase, Task> test)
    {
        Assert.SkipUnless(File.Exists(Program), "PgBouncer is not installed (Debian: apt-get install pgbouncer).");
        var login = "pooled_" + Guid.NewGuid().ToString("N")[..10];
        await database.SqlAsync($"create role {login} login password 'secret' in role {roles}");
        await database.SqlAsync($"alter role {login} set search_path = {database.Schema}");
        var folder = Directory.CreateTempSubdirectory("batchgen-pooler-").FullName;
        using var pooler = await StartAsync(folder, login, new NpgsqlConnectionStringBuilder(database.ConnectionString));
        try
        {
            var address = $"Host={folder};Port=6432;Username={login};Password=secret;Database=pooled;Max Auto Prepare=0;Timeout=10";
            await using var queue = QueueDatabase.Open(
                address, new QueueOptions { Schema = database.Schema, PollInterval = TimeSpan.FromMilliseconds(200) });
            await test(queue);
        }
        finally
        {
            pooler.Kill();
            await pooler.WaitForExitAsync();
            NpgsqlConnection.ClearAllPools();
            Directory.Delete(folder, recursive: true);
            await database.SqlAsync($"drop role {login}");
        }
    }

    private static async Task<Process> StartAsync(string folder, string login, NpgsqlConnectionStringBuilder server)
    {
        await File.WriteAllTextAsync(Path.Combine(folder, "users.txt"), $"\"{login}\" \"secret\"\n");
        await File.WriteAllTextAsync(Path.Combine(folder, "pgbouncer.ini"), $"""
            [databases]
            pooled = host={server.Host} port={server.Port} dbname={server.Database}
            [pgbouncer]
            listen_addr =
            listen_port = 6432
            unix_socket_dir = {folder}
            auth_type = plain
            auth_file = {folder}/users.txt
            pool_mode = transaction
            default_pool_size = {ServerConnections}
            server_round_robin = 1
            ignore_startup_parameters = search_path,options,extra_float_digits
            """);
        // Like the server, PgBouncer refuses to run as root; the server's own socket belongs to user postgres.
        string[] command = Environment.IsPrivilegedProcess
            ? ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups", "--", Program]
            : [Program];
        if (Environment.IsPrivilegedProcess)
        {
            using var own = Process.Start("chown", ["-R", "postgres", folder]);
            await own.WaitForExitAsync();
        }

        var start = new ProcessStartInfo(command[0], [.. command.Skip(1), Path.Combine(folder, "pgbouncer.ini")])
        {
            UseShellExecute = false, RedirectStandardError = true, RedirectStandardOutput = true,
        };
        var process = Process.Start(start)!;
        await Wait.UntilAsync(
            "PgBouncer has made its socket or ended", () => File.Exists(Path.Combine(folder, ".s.PGSQL.6432")) || process.HasExited);
        if (process.HasExited) Assert.Fail("PgBouncer did not start: " + await process.StandardError.ReadToEndAsync());
        return process;
    }
}
