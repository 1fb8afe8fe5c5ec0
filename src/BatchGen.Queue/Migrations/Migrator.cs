using BatchGen.Queue.Sql;
using Dapper;
using Npgsql;

namespace BatchGen.Queue.Migrations;

/// <summary>Brings the schema to the version this program needs.</summary>
public sealed class Migrator(QueueDatabase database)
{
    // trim_scale() came with 13, and generated columns in the planner's partial-index proofs behave alike from 14 on.
    private const int OldestServer = 140000;

    /// <summary>Applies every migration not applied yet, in order, under an advisory lock; several programs may call it at once.</summary>
    /// <returns>Names of the migrations applied now.</returns>
    /// <exception cref="QueueException">The database is newer than this program, or a migration failed; nothing of that migration stays.</exception>
    public async Task<IReadOnlyList<string>> MigrateAsync(CancellationToken cancellationToken)
    {
        try
        {
            await using var connection = await database.DataSource.OpenConnectionAsync(cancellationToken);
            var version = await ScalarAsync<int>(connection, "server_version", null, cancellationToken);
            if (version < OldestServer)
                throw new QueueException($"The database server is PostgreSQL {version / 10000}; BatchGen needs 14 or newer.");
            await ScalarAsync<object>(connection, "lock_migrations", new { schema = database.Options.Schema }, cancellationToken);
            try
            {
                return await ApplyAsync(connection, cancellationToken);
            }
            finally
            {
                // The lock would stay with the pooled connection otherwise; a connection that broke has lost it anyway.
                if (connection.State == System.Data.ConnectionState.Open)
                    await ScalarAsync<object>(connection, "unlock_migrations", new { schema = database.Options.Schema }, CancellationToken.None);
            }
        }
        catch (NpgsqlException error) when (SqlErrors.Translate(error, database.DataSource) is not null)
        {
            throw SqlErrors.Translate(error, database.DataSource)!;
        }
    }

    private async Task<IReadOnlyList<string>> ApplyAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await ScalarAsync<object>(connection, "set_schema_setting", new { schema = database.Options.Schema }, cancellationToken);
        await ExecuteAsync(connection, "ensure_schema", null, cancellationToken);
        await ScalarAsync<object>(connection, "pin_search_path", new { schema = database.Options.Schema }, cancellationToken);
        await ExecuteAsync(connection, "ensure_migrations_table", null, cancellationToken);
        var known = SqlFiles.ListMigrations();
        var applied = (await connection.QueryAsync<(string Name, string Sha256)>(
            new CommandDefinition(SqlFiles.Query("list_migrations"), cancellationToken: cancellationToken))).ToDictionary(row => row.Name, row => row.Sha256, StringComparer.Ordinal);
        CheckHistory(known, applied);
        var names = new List<string>();
        foreach (var migration in known.Where(migration => !applied.ContainsKey(migration.Name)))
        {
            await ApplyAsync(connection, migration, cancellationToken);
            names.Add(migration.Name);
        }

        if (names.Count > 0)
        {
            await using (var transaction = await connection.BeginTransactionAsync(cancellationToken))
            {
                foreach (var function in SqlFiles.ListFunctions().Prepend("set local check_function_bodies = off"))
                    await connection.ExecuteAsync(new CommandDefinition(function, transaction: transaction, cancellationToken: cancellationToken));
                await transaction.CommitAsync(cancellationToken);
            }

            await ExecuteAsync(connection, "ensure_roles", null, cancellationToken);
            await ExecuteAsync(connection, "apply_grants", null, cancellationToken);
            // Composite types made just now are unknown to connections that are open already.
            await database.DataSource.ReloadTypesAsync(cancellationToken);
        }

        return names;
    }

    private static void CheckHistory(IReadOnlyList<Migration> known, Dictionary<string, string> applied)
    {
        var unknown = applied.Keys.Except(known.Select(migration => migration.Name), StringComparer.Ordinal).Order(StringComparer.Ordinal).ToArray();
        if (unknown.Length > 0)
            throw new QueueException($"The database is newer than this program: it has migration {unknown[^1]}, which this program does not know. Update the program.");
        var edited = known.FirstOrDefault(migration => applied.TryGetValue(migration.Name, out var digest) && digest != migration.Sha256);
        if (edited is not null)
            throw new QueueException($"Migration {edited.Name} was applied in another wording than this program has. Use the program that made this database, or start with a new one (for the embedded one: stop, remove its folder, start).");
    }

    private static async Task ApplyAsync(NpgsqlConnection connection, Migration migration, CancellationToken cancellationToken)
    {
        var record = new { name = migration.Name, sha256 = migration.Sha256 };
        try
        {
            if (migration.RunsAlone)
            {
                await connection.ExecuteAsync(new CommandDefinition(migration.Text, cancellationToken: cancellationToken));
                await ExecuteAsync(connection, "insert_migration", record, cancellationToken);
                return;
            }

            await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
            await connection.ExecuteAsync(new CommandDefinition(migration.Text, transaction: transaction, commandTimeout: 0, cancellationToken: cancellationToken));
            await ExecuteAsync(connection, "insert_migration", record, cancellationToken);
            await transaction.CommitAsync(cancellationToken);
        }
        catch (PostgresException error)
        {
            var line = error.Position > 0 ? migration.Text.AsSpan(0, Math.Min(error.Position, migration.Text.Length)).Count('\n') + 1 : 0;
            throw new QueueException($"Migration {migration.Name} failed and nothing of it stays: {error.MessageText} (SQLSTATE {error.SqlState}{(line > 0 ? $", line {line} of the statement" : "")}).", error);
        }
    }

    private static Task<T?> ScalarAsync<T>(NpgsqlConnection connection, string query, object? parameters, CancellationToken cancellationToken) =>
        connection.ExecuteScalarAsync<T>(new CommandDefinition(SqlFiles.Query(query), parameters, commandTimeout: 0, cancellationToken: cancellationToken));

    private static Task<int> ExecuteAsync(NpgsqlConnection connection, string query, object? parameters, CancellationToken cancellationToken) =>
        connection.ExecuteAsync(new CommandDefinition(SqlFiles.Query(query), parameters, cancellationToken: cancellationToken));
}
