using BatchGen.Queue.Backups;
using BatchGen.Testing;
using Npgsql;
using Xunit;

namespace BatchGen.DatabaseTests.Backups;

/// <summary>A restore that is cancelled while its program works on the server.</summary>
public sealed class CancelledRestoreTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("batchgen-restore-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_cancelled_restore_leaves_no_session_on_the_server_and_what_was_put_aside_goes_back()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddModelAsync();
        var backup = new DatabaseBackup(database.Queue, database.ConnectionString, [database.Schema]);
        var file = Path.Combine(_folder, "database.dump");
        await backup.DumpAsync(file, Stop);
        var aside = await backup.PutAsideAsync(Stop);

        // The program waits for whoever has just taken the name of the schema.
        await using var other = new NpgsqlConnection(database.ConnectionString + ";Pooling=false");
        await other.OpenAsync(Stop);
        await using var transaction = await other.BeginTransactionAsync(Stop);
        await using (var take = new NpgsqlCommand($"create schema {database.Schema}", other, transaction))
            await take.ExecuteNonQueryAsync(Stop);
        using var cancel = new CancellationTokenSource();
        var restoring = backup.RestoreAsync(file, await backup.ServerVersionAsync(Stop), cancel.Token);
        await Wait.UntilAsync(
            "the program waits", () => CountSessionsAsync(database, other, "and wait_event_type = 'Lock'"), waiting => waiting == 1,
            cancellationToken: Stop);

        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => restoring);
        Assert.Equal(0, await CountSessionsAsync(database, other, ""));

        await transaction.RollbackAsync(Stop);
        await backup.PutBackAsync(aside, Stop);
        Assert.Equal(1L, await database.SqlAsync<long>("select count(*) from models"));
    }

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    // Sessions that make the schema, besides the one that has taken its name.
    private static Task<long> CountSessionsAsync(TestDatabase database, NpgsqlConnection besides, string condition) =>
        database.SqlAsync<long>($"""
            select count(*) from pg_stat_activity
            where datname = current_database() and pid not in (pg_backend_pid(), $1)
              and query ilike 'create schema %{database.Schema}%' {condition}
            """, besides.ProcessID);
}
