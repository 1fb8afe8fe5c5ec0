using System.Diagnostics;
using System.Text;
using BatchGen.Queue.Migrations;
using BatchGen.Testing;
using Npgsql;
using Xunit;

namespace BatchGen.DatabaseTests.Migrations.Upgrades;

/// <summary>Writes the reference data of the present version for <see cref="UpgradeTests"/>; docs/upgrading.md has the command.</summary>
public sealed class UpgradeDumpTests
{
    // What a worker runs from its start to its end.
    private static readonly string[] WorkersQueries =
    [
        "claims/claim_batch", "claims/heartbeat_batch", "claims/complete_jobs", "claims/fail_jobs", "claims/end_batch",
        "claims/requeue_batches", "claims/rescue_expired", "checkpoints/record_checkpoint", "workers/start_worker",
        "workers/heartbeat_worker", "workers/stop_worker", "registry/find_model", "registry/find_adapters", "migrations/list_migrations",
        "migrations/find_schema_version",
    ];

    [Fact]
    public async Task The_filling_leaves_no_table_empty_and_a_thousand_jobs_in_each_state()
    {
        await using var database = await TestDatabase.CreateAsync(
            new() { LeaseDuration = TimeSpan.FromDays(1), RetryDelay = TimeSpan.FromHours(1) });
        await UpgradeFill.FillAsync(database);
        Assert.Empty(await UpgradeContents.EmptyTablesAsync(database));
        Assert.Equal(5, await database.SqlAsync<long>("select count(*) from (select from jobs group by state having count(*) >= 1000) s"));
        if (Environment.GetEnvironmentVariable("BATCHGEN_WRITE_UPGRADE") != "1") return;

        var queries = WorkersQueries.Select(name => Path.Combine(RepositoryPaths.Root, "db", "queries", name + ".sql"));
        await new UpgradeSource(ProgramVersion.Current.ToString())
            .WriteAsync(await DumpAsync(database), await UpgradeContents.ReadAsync(database), queries);
    }

    private static async Task<string> DumpAsync(TestDatabase database)
    {
        var address = new NpgsqlConnectionStringBuilder(database.ConnectionString);
        var start = new ProcessStartInfo("pg_dump") { RedirectStandardOutput = true, StandardOutputEncoding = Encoding.UTF8 };
        start.Environment["PGPASSWORD"] = address.Password;
        foreach (var argument in (string[])["-h",
            address.Host!, "-p", $"{address.Port}", "-U", address.Username!, "--schema", database.Schema,
            "--no-owner", "--no-privileges", address.Database!])
            start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        var text = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.Equal(0, process.ExitCode);
        return text.Replace(database.Schema, UpgradeSource.SchemaName, StringComparison.Ordinal);
    }
}
