using BatchGen.Testing;
using Npgsql;

namespace BatchGen.DatabaseTests;

/// <summary>A trigger at which sessions wait until the test opens it, so that a rare race happens every time.</summary>
internal sealed class Gate : IAsyncDisposable
{
    private readonly TestDatabase _database;
    private readonly NpgsqlConnection _holder;

    private Gate(TestDatabase database, NpgsqlConnection holder) => (_database, _holder) = (database, holder);

    /// <summary>Makes a closed gate.</summary>
    /// <param name="database">The database.</param>
    /// <param name="place">Event of the trigger, such as <c>after insert on campaigns for each statement</c>.</param>
    public static async Task<Gate> CloseAsync(TestDatabase database, string place)
    {
        await database.SqlAsync($"""
            create function wait_at_gate() returns trigger language plpgsql as $$
            begin
              perform pg_advisory_xact_lock_shared(hashtextextended(tg_table_schema, 77));
              return new;
            end $$
            """);
        await database.SqlAsync($"create trigger gate {place} execute function wait_at_gate()");
        var holder = await database.ConnectAsync();
        await using var command = new NpgsqlCommand("select pg_advisory_lock(hashtextextended(current_schema(), 77))", holder);
        await command.ExecuteNonQueryAsync();
        return new(database, holder);
    }

    /// <summary>Runs a statement that may wait at the gate for as long as the test needs.</summary>
    public async Task<T> RunAsync<T>(string statement)
    {
        await using var connection = await _database.ConnectAsync("Command Timeout=0");
        await using var command = new NpgsqlCommand(statement, connection);
        return (T)(await command.ExecuteScalarAsync())!;
    }

    /// <summary>Returns once that many sessions of the test wait, at the gate or for each other.</summary>
    public async Task UntilWaitingAsync(long sessions)
    {
        const string Waiting =
            "select count(*) from pg_stat_activity where application_name = $1 and cardinality(pg_blocking_pids(pid)) > 0";
        await Wait.UntilAsync($"{sessions} sessions wait at the gate", () => _database.SqlAsync<long>(Waiting, _database.Name + " test"),
            count => count >= sessions);
    }

    /// <summary>Opens the gate: all sessions go on.</summary>
    public ValueTask OpenAsync() => _holder.DisposeAsync();

    public ValueTask DisposeAsync() => OpenAsync();
}
