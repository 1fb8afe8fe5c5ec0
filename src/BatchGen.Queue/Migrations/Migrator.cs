using BatchGen.Queue.Backups;
using BatchGen.Queue.Sql;
using Dapper;
using Npgsql;

namespace BatchGen.Queue.Migrations;

/// <summary>Brings the schema to the version this program needs, and refuses one that it cannot work with.</summary>
public sealed class Migrator
{
    /// <summary>What <see cref="MigrateAsync"/> names when it put functions or views in anew.</summary>
    public const string FunctionsPutIn = "functions and views";

    /// <summary>The oldest server that serves, as its <c>server_version_num</c>.</summary>
    // trim_scale() came with 13, and generated columns in the planner's partial-index proofs behave alike from 14 on.
    public const int OldestServer = 140000;

    private readonly QueueDatabase _database;
    private readonly Version _program;

    /// <summary>Migrates for this program.</summary>
    public Migrator(QueueDatabase database)
        : this(database, ProgramVersion.Current)
    {
    }

    /// <summary>Migrates as a program of a given version would.</summary>
    internal Migrator(QueueDatabase database, Version program) =>
        (_database, _program, Lock) = (database, program, new MigrationLock(database));

    /// <value>The lock that is held while migrations are applied, with its limits.</value>
    internal MigrationLock Lock { get; init; }

    private string Schema => _database.Options.Schema;

    /// <summary>
    /// Applies every migration not applied yet, in order, and puts functions and views in anew whose text changed; several programs may
    /// call it at once. Every command calls it when it connects: with nothing to do it only reads, and needs no right to change anything.
    /// </summary>
    /// <returns>Names of the migrations applied now, and <see cref="FunctionsPutIn"/>.</returns>
    /// <exception cref="QueueException">
    /// The database does not serve this program, or this user may not migrate it; or a migration failed, and nothing of that migration
    /// stays.
    /// </exception>
    public Task<IReadOnlyList<string>> MigrateAsync(CancellationToken cancellationToken) => Lock.SayErrorsAsync(async () =>
    {
        await using var connection = await _database.DataSource.OpenConnectionAsync(cancellationToken);
        var found = await SchemaDescription.ReadAsync(connection, Schema, cancellationToken);
        if (found.Server < OldestServer)
            throw new QueueException($"The database server is PostgreSQL {found.Server / 10000}; BatchGen needs 14 or newer.");
        await SearchPath.PinAsync(connection, Schema, cancellationToken);
        if (found.HasState)
        {
            var state = await SchemaState.ReadAsync(connection, cancellationToken);
            if (IsDone(state)) return [];
            if (!found.IsOwner)
            {
                throw new QueueException($"The database is not migrated to BatchGen {_program} yet, and this user may not do it. "
                    + $"Run as the owner of schema '{Schema}': batchgen migrate");
            }
        }

        else if (await QuerySingleAsync<bool>(
            connection, "schema_exists", new { schema = DatabaseBackup.AsideOf(Schema) }, cancellationToken))
        {
            // An empty schema in its place would be filled, and what lies aside forgotten.
            throw new QueueException($"A restore was interrupted: what the database held lies in schema "
                + $"'{DatabaseBackup.AsideOf(Schema)}'. Run the restore again with --replace, or go back with: alter schema "
                + $"{QuotedName.Of(DatabaseBackup.AsideOf(Schema))} rename to {QuotedName.Of(Schema)}");
        }

        return await MigrateAloneAsync(connection, cancellationToken);
    });

    /// <summary>Says how far the schema is, and changes nothing.</summary>
    public async Task<SchemaReport> InspectAsync(CancellationToken cancellationToken)
    {
        await using var connection = await _database.DataSource.OpenConnectionAsync(cancellationToken);
        var found = await SchemaDescription.ReadAsync(connection, Schema, cancellationToken);
        var program = _program.ToString();
        if (!found.HasState) return new SchemaReport(program, null, null, IsNewer: false, []);
        var state = await SchemaState.ReadAsync(connection, cancellationToken);
        string? refusal = null;
        try
        {
            state.Check(_program);
        }
        catch (QueueException refused)
        {
            refusal = refused.Message;
        }

        var pending = state.IsNewerThan(_program) ? [] : state.PendingMigrations().Select(migration => migration.Name);
        var changed = !state.IsNewerThan(_program) && (state.ChangedFiles().Count > 0 || state.RemovedFiles().Count > 0);
        return new SchemaReport(
            program, state.Version?.MigratedBy, refusal, state.IsNewerThan(_program),
            [.. pending, .. changed ? [FunctionsPutIn] : Array.Empty<string>()]);
    }

    private async Task<IReadOnlyList<string>> MigrateAloneAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await QuerySingleAsync<string>(connection, "set_schema_setting", new { schema = Schema }, cancellationToken);
        await ExecuteAsync(connection, "ensure_schema", null, cancellationToken);
        await ExecuteAsync(connection, "ensure_state_tables", null, cancellationToken);

        await using var locking = await Lock.TakeAsync(cancellationToken);

        // Another program may have migrated while this one waited.
        var state = await SchemaState.ReadAsync(connection, cancellationToken);
        if (IsDone(state)) return [];
        var names = new List<string>();
        foreach (var migration in state.PendingMigrations())
        {
            await ApplyAsync(connection, migration, cancellationToken);
            names.Add(migration.Name);
        }

        await using (var transaction = await connection.BeginTransactionAsync(cancellationToken))
        {
            await Lock.LimitWaitsAsync(connection, transaction, cancellationToken);
            if (state.ChangedFiles().Count > 0 || state.RemovedFiles().Count > 0) names.Add(FunctionsPutIn);
            // Also when migrations alone were applied: their tables need grants.
            await new FunctionInstaller(connection, transaction, Schema, state).InstallAsync(cancellationToken);
            await ExecuteAsync(connection, "write_schema_version", new
            {
                number = SqlFiles.ListMigrations()[^1].Number,
                oldest_program = ProgramVersion.OldestServed.ToString(),
                migrated_by = _program.ToString(),
            }, cancellationToken);
            await transaction.CommitAsync(cancellationToken);
        }

        // Composite types made just now are unknown to connections that are open already.
        await _database.DataSource.ReloadTypesAsync(cancellationToken);
        return names;
    }

    // A program of the version before leaves a newer schema as it is.
    private bool IsDone(SchemaState state)
    {
        state.Check(_program);
        return state.IsNewerThan(_program) || (state.Version is not null && state.IsCurrent());
    }

    private async Task ApplyAsync(NpgsqlConnection connection, Migration migration, CancellationToken cancellationToken)
    {
        var record = new { name = migration.Name, sha256 = migration.Sha256 };
        try
        {
            if (migration.RunsAlone)
            {
                await connection.ExecuteAsync(
                    new CommandDefinition(migration.Text, commandTimeout: 0, cancellationToken: cancellationToken));
                await ExecuteAsync(connection, "insert_migration", record, cancellationToken);
                return;
            }

            await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
            await Lock.LimitWaitsAsync(connection, transaction, cancellationToken);
            await connection.ExecuteAsync(
                new CommandDefinition(migration.Text, transaction: transaction, commandTimeout: 0, cancellationToken: cancellationToken));
            await ExecuteAsync(connection, "insert_migration", record, cancellationToken);
            await transaction.CommitAsync(cancellationToken);
        }
        catch (PostgresException error) when (error.SqlState != PostgresErrorCodes.LockNotAvailable)
        {
            var line = error.Position > 0 ? migration.Text.AsSpan(0, Math.Min(error.Position, migration.Text.Length)).Count('\n') + 1 : 0;
            throw new QueueException(
                $"Migration {migration.Name} failed and nothing of it stays: {error.MessageText} "
                + $"(SQLSTATE {error.SqlState}{(line > 0 ? $", line {line} of the statement" : "")}).", error);
        }
    }

    private static Task<T?> QuerySingleAsync<T>(
        NpgsqlConnection connection, string query, object? parameters, CancellationToken cancellationToken) =>
            connection.QuerySingleOrDefaultAsync<T>(
                new CommandDefinition(SqlFiles.Query(query), parameters, cancellationToken: cancellationToken));

    private static Task<int> ExecuteAsync(
        NpgsqlConnection connection, string query, object? parameters, CancellationToken cancellationToken) =>
        connection.ExecuteAsync(new CommandDefinition(SqlFiles.Query(query), parameters, cancellationToken: cancellationToken));
}

/// <summary>How far a schema is.</summary>
/// <param name="Program">Version of this program.</param>
/// <param name="MigratedBy">Version of the program that migrated last; null before the first migration has ended.</param>
/// <param name="Refusal">Why this program cannot work with it, or null.</param>
/// <param name="IsNewer">Whether a newer program migrated it.</param>
/// <param name="Pending">What migrating would do.</param>
public sealed record SchemaReport(string Program, string? MigratedBy, string? Refusal, bool IsNewer, IReadOnlyList<string> Pending);
