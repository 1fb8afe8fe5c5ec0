using BatchGen.Queue.Migrations;
using BatchGen.Testing;
using Npgsql;
using NpgsqlTypes;
using Xunit;

namespace BatchGen.DatabaseTests.Migrations.Upgrades;

/// <summary>The present program opens and upgrades the database of every released version, and still serves
/// that version's workers.</summary>
public sealed class UpgradeTests
{
    public static TheoryData<string> Versions => [.. UpgradeSource.Versions];

    [Fact]
    public void There_is_a_dump_of_the_first_version_that_upgrades() => Assert.Contains("0.2.0", UpgradeSource.Versions);

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task An_upgraded_database_has_lost_nothing(string version)
    {
        var source = new UpgradeSource(version);
        await using var database = await TestDatabase.CreateAsync();
        await source.RestoreAsync(database);
        Assert.Empty(await UpgradeContents.EmptyTablesAsync(database));
        Assert.Equal(5, await database.SqlAsync<long>("select count(*) from (select from jobs group by state having count(*) >= 1000) s"));

        await new Migrator(database.Queue).MigrateAsync(CancellationToken.None);
        Assert.Empty(await new Migrator(database.Queue).MigrateAsync(CancellationToken.None));
        Assert.Equal(await source.ReadContentsAsync(), await UpgradeContents.ReadAsync(database));
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task An_upgraded_database_is_drawn_on_by_the_present_program(string version)
    {
        await using var database = await TestDatabase.CreateAsync();
        await new UpgradeSource(version).RestoreAsync(database);
        await new Migrator(database.Queue).MigrateAsync(CancellationToken.None);
        var worker = await database.AddWorkerAsync();
        var batch = (await database.ClaimAsync(worker, 8))!;
        await database.FinishAsync(batch);
        await database.CheckpointAsync(worker, BatchGen.Core.Rendering.CheckpointVerdict.Passed, batch);
        var counts = await database.Catalog.CountAsync(null, CancellationToken.None);
        Assert.Equal(await database.SqlAsync<long>("select count(*) from jobs where state = 'succeeded'"), counts.Succeeded);
        Assert.Equal(await database.SqlAsync<long>("select count(*) from results where verified_at is not null"), counts.Verified);
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task A_worker_of_an_older_version_draws_verifies_and_fails_jobs_of_the_present_schema(string version)
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddModelAsync();
        await database.SubmitAsync("", "", "");
        await using var old = new OldWorker(new UpgradeSource(version), await database.ConnectAsync());

        await old.StartAsync();
        await old.ClaimAsync(maxJobs: 2);
        Assert.Equal(2, old.JobIds.Count);
        await old.HeartbeatAsync();
        await old.CompleteAsync();
        await old.EndAsync();
        Assert.Equal(2, await old.CheckpointAsync());
        await old.ClaimAsync(maxJobs: 2);
        await old.FailAsync("generation");
        await old.EndAsync();

        var counts = await database.Catalog.CountAsync(null, CancellationToken.None);
        Assert.Equal((2, 2, 1), (counts.Succeeded, counts.Verified, counts.Queued));
    }

    // The calls of a worker, with the texts and parameter types of its version.
    private sealed class OldWorker(UpgradeSource source, NpgsqlConnection connection) : IAsyncDisposable
    {
        private readonly Guid _id = Guid.NewGuid();
        private object _memory = DBNull.Value;
        private long _batchId;
        private long _epoch;

        public List<long> JobIds { get; } = [];

        public Task<int> StartAsync() => RunAsync("start_worker",
            ("worker_id", NpgsqlDbType.Uuid, _id), ("name", NpgsqlDbType.Text, "old"), ("device", NpgsqlDbType.Text, "cpu"),
            ("device_description", NpgsqlDbType.Text, "a processor"), ("compute_type", NpgsqlDbType.Text, "float32"));

        public async Task ClaimAsync(int maxJobs)
        {
            JobIds.Clear();
            await using var command = Command("claim_batch",
                ("worker_id", NpgsqlDbType.Uuid, _id), ("models", NpgsqlDbType.Array | NpgsqlDbType.Text, DBNull.Value),
                ("max_jobs", NpgsqlDbType.Integer, maxJobs), ("lease", NpgsqlDbType.Interval, TimeSpan.FromMinutes(1)),
                ("max_wait", NpgsqlDbType.Interval, TimeSpan.FromMinutes(10)), ("max_batches", NpgsqlDbType.Integer, 4),
                ("memory", NpgsqlDbType.Jsonb, _memory), ("max_pixels", NpgsqlDbType.Bigint, DBNull.Value));
            await using var reader = await command.ExecuteReaderAsync();
            while (await reader.ReadAsync())
            {
                if (!reader.IsDBNull(reader.GetOrdinal("remembered"))) _memory = reader.GetString(reader.GetOrdinal("remembered"));
                (_batchId, _epoch) = (reader.GetInt64(reader.GetOrdinal("batch_id")), reader.GetInt64(reader.GetOrdinal("epoch")));
                JobIds.Add(reader.GetInt64(reader.GetOrdinal("job_id")));
                Assert.Contains("a red cube", reader.GetString(reader.GetOrdinal("recipe")), StringComparison.Ordinal);
            }
        }

        public Task<int> HeartbeatAsync() => RunAsync("heartbeat_batch", [.. Lease,
            ("lease", NpgsqlDbType.Interval, TimeSpan.FromMinutes(1)), ("finished", NpgsqlDbType.Integer, 1),
            ("step", NpgsqlDbType.Integer, 5), ("steps", NpgsqlDbType.Integer, 20)]);

        public Task<int> CompleteAsync() => RunAsync("complete_jobs", [.. Lease, Jobs,
            ("paths", NpgsqlDbType.Array | NpgsqlDbType.Text, JobIds.Select(id => $"old/{id}.png").ToArray()),
            ("sizes", NpgsqlDbType.Array | NpgsqlDbType.Bigint, JobIds.Select(_ => 10L).ToArray()),
            ("sha256s", NpgsqlDbType.Array | NpgsqlDbType.Text, JobIds.Select(_ => new string('0', 64)).ToArray()),
            ("widths", NpgsqlDbType.Array | NpgsqlDbType.Integer, JobIds.Select(_ => 512).ToArray()),
            ("heights", NpgsqlDbType.Array | NpgsqlDbType.Integer, JobIds.Select(_ => 512).ToArray()),
            ("seeds", NpgsqlDbType.Array | NpgsqlDbType.Bigint, JobIds.Select(_ => 1L).ToArray()),
            ("recipes", NpgsqlDbType.Array | NpgsqlDbType.Text, JobIds.Select(_ => "{}").ToArray())]);

        public Task<int> FailAsync(string code) => RunAsync("fail_jobs", [.. Lease, Jobs,
            ("codes", NpgsqlDbType.Array | NpgsqlDbType.Text, JobIds.Select(_ => code).ToArray()),
            ("messages", NpgsqlDbType.Array | NpgsqlDbType.Text, JobIds.Select(_ => "not a number").ToArray()),
            ("retry_delay", NpgsqlDbType.Interval, TimeSpan.FromMinutes(1)),
            ("max_retry_delay", NpgsqlDbType.Interval, TimeSpan.FromMinutes(10))]);

        public Task<int> EndAsync() => RunAsync("end_batch", [.. Lease,
            ("signature_hold", NpgsqlDbType.Interval, TimeSpan.FromSeconds(1)), ("reason", NpgsqlDbType.Text, "done")]);

        public async Task<int> CheckpointAsync()
        {
            await using var command = Command("record_checkpoint", [.. Lease, ("worker_id", NpgsqlDbType.Uuid, _id),
                ("model", NpgsqlDbType.Text, "demo"), ("device", NpgsqlDbType.Text, "cpu"), ("compute_type", NpgsqlDbType.Text, "float32"),
                ("verdict", NpgsqlDbType.Text, "passed"), ("expected", NpgsqlDbType.Text, "aa"), ("actual", NpgsqlDbType.Text, "aa"),
                ("tensors", NpgsqlDbType.Integer, 10), ("size_bytes", NpgsqlDbType.Bigint, 1000L),
                ("drifted", NpgsqlDbType.Array | NpgsqlDbType.Text, Array.Empty<string>()), ("elapsed_ms", NpgsqlDbType.Double, 1.5),
                ("reloaded_tensors", NpgsqlDbType.Integer, DBNull.Value), ("reloaded_bytes", NpgsqlDbType.Bigint, DBNull.Value),
                ("reload_ms", NpgsqlDbType.Double, DBNull.Value)]);
            await using var reader = await command.ExecuteReaderAsync();
            Assert.True(await reader.ReadAsync());
            return reader.GetInt32(reader.GetOrdinal("images_verified"));
        }

        public ValueTask DisposeAsync() => connection.DisposeAsync();

        private (string, NpgsqlDbType, object)[] Lease =>
            [("batch_id", NpgsqlDbType.Bigint, _batchId), ("epoch", NpgsqlDbType.Bigint, _epoch)];

        private (string, NpgsqlDbType, object) Jobs => ("job_ids", NpgsqlDbType.Array | NpgsqlDbType.Bigint, JobIds.ToArray());

        private async Task<int> RunAsync(string query, params (string, NpgsqlDbType, object)[] parameters)
        {
            await using var command = Command(query, parameters);
            return await command.ExecuteNonQueryAsync();
        }

        private NpgsqlCommand Command(string query, params (string Name, NpgsqlDbType Type, object Value)[] parameters)
        {
            var command = new NpgsqlCommand(source.Query(query), connection);
            foreach (var (name, type, value) in parameters) command.Parameters.Add(new NpgsqlParameter(name, type) { Value = value });
            return command;
        }
    }
}
