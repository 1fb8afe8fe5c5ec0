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

    /// <value>How long to wait for another program that migrates; it may build an index of millions of rows.</value>
    internal TimeSpan OthersLimit { get; init; } = TimeSpan.FromMinutes(10);

    /// <value>How long a step waits for sessions that use what it changes. While it waits, everybody who comes later waits behind it,
    /// workers too.</value>
    internal TimeSpan LockLimit { get; init; } = TimeSpan.FromSeconds(10);

    private readonly QueueDatabase _database;
    private readonly Version _program;

    /// <summary>Migrates for this program.</summary>
    public Migrator(QueueDatabase database)
        : this(database, ProgramVersion.Current)
    {
    }

    /// <summary>Migrates as a program of a given version would.</summary>
    internal Migrator(QueueDatabase database, Version program) => (_database, _program) = (database, program);

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
    public Task<IReadOnlyList<string>> MigrateAsync(CancellationToken cancellationToken) => SayErrorsAsync(async () =>
    {
        await using var connection = await _database.DataSource.OpenConnectionAsync(cancellationToken);
        var found = await QuerySingleAsync<SchemaDescription>(
            connection, "describe_schema", new { schema = Schema }, cancellationToken);
        if (found!.Server < OldestServer)
            throw new QueueException($"The database server is PostgreSQL {found.Server / 10000}; BatchGen needs 14 or newer.");
        await SetSearchPathAsync(connection, cancellationToken);
        if (found.HasState)
        {
            var state = await ReadStateAsync(connection, cancellationToken);
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
        var found = await QuerySingleAsync<SchemaDescription>(connection, "describe_schema", new { schema = Schema }, cancellationToken);
        var program = _program.ToString();
        if (!found!.HasState) return new SchemaReport(program, null, null, IsNewer: false, []);
        var state = await ReadStateAsync(connection, cancellationToken);
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

    /// <summary>Says which functions and views differ from what this program put in, and changes nothing.</summary>
    /// <returns>What differs; nothing while the schema is not that of this program; null when this user may not compare them.</returns>
    public async Task<IReadOnlyList<FunctionDifference>?> InspectFunctionsAsync(CancellationToken cancellationToken)
    {
        await using var connection = await _database.DataSource.OpenConnectionAsync(cancellationToken);
        var found = await QuerySingleAsync<SchemaDescription>(connection, "describe_schema", new { schema = Schema }, cancellationToken);
        if (!found!.HasState) return [];
        if (!found.IsOwner) return null;
        await SetSearchPathAsync(connection, cancellationToken);
        var state = await ReadStateAsync(connection, cancellationToken);
        if (state.IsNewerThan(_program) || !state.IsCurrent()) return [];
        return await new FunctionInspector(connection, Schema).FindDifferencesAsync(cancellationToken);
    }

    /// <summary>Puts functions and views in anew that differ from what this program put in, as far as this user may.</summary>
    /// <returns>What differed; null when this user may not compare them.</returns>
    /// <exception cref="QueueException">Another session keeps a lock, or this user may not put them in; nothing was changed.</exception>
    public Task<IReadOnlyList<FunctionDifference>?> MendFunctionsAsync(CancellationToken cancellationToken) => SayErrorsAsync(async () =>
    {
        // Without anything to do nobody waits for the lock.
        var seen = await InspectFunctionsAsync(cancellationToken);
        return seen is { Count: > 0 } ? await MendFunctionsAloneAsync(cancellationToken) : seen;
    });

    /// <summary>Says which routines share a name with one of this program and take other parameters, so that calls may reach them in its
    /// place.</summary>
    /// <returns>Those routines; none while there is no schema.</returns>
    public async Task<IReadOnlyList<Overload>> ListOverloadsAsync(CancellationToken cancellationToken)
    {
        await using var connection = await _database.DataSource.OpenConnectionAsync(cancellationToken);
        var found = await QuerySingleAsync<SchemaDescription>(connection, "describe_schema", new { schema = Schema }, cancellationToken);
        if (!found!.HasState) return [];
        await SetSearchPathAsync(connection, cancellationToken);
        return await Overload.ListAsync(connection, transaction: null, cancellationToken);
    }

    private async Task<T> SayErrorsAsync<T>(Func<Task<T>> work)
    {
        try
        {
            return await work();
        }
        catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.LockNotAvailable)
        {
            throw new QueueException(
                $"Migrating schema '{Schema}' met a lock that another session keeps: a program that migrates (waited for "
                + $"{OthersLimit.TotalSeconds:0} s), or one with an open transaction (waited for {LockLimit.TotalSeconds:0} s). The step "
                + "that waited changed nothing. End that session (pg_stat_activity shows it as 'idle in transaction'), then run: "
                + "batchgen migrate",
                error);
        }
        catch (Exception error) when (SqlErrors.Translate(error, _database.DataSource) is not null)
        {
            throw SqlErrors.Translate(error, _database.DataSource)!;
        }
    }

    private async Task<IReadOnlyList<FunctionDifference>?> MendFunctionsAloneAsync(CancellationToken cancellationToken)
    {
        await using var connection = await _database.DataSource.OpenConnectionAsync(cancellationToken);
        await SetSearchPathAsync(connection, cancellationToken);
        await using var locking = await LockAsync(cancellationToken);

        // Another program may have migrated or mended while this one waited: what it put in is not to be replaced by older files.
        var found = await ReadStateAsync(connection, cancellationToken);
        if (found.IsNewerThan(_program) || !found.IsCurrent()) return [];
        var differences = await new FunctionInspector(connection, Schema).FindDifferencesAsync(cancellationToken);
        if (differences is not { Count: > 0 }) return differences;
        var state = new SchemaState
        {
            Applied = found.Applied, Functions = found.Functions, Version = found.Version,
            Changed = differences.Select(difference => difference.File).ToHashSet(StringComparer.Ordinal),
        };
        await using (var transaction = await connection.BeginTransactionAsync(cancellationToken))
        {
            await LimitLockWaitsAsync(connection, LockLimit, cancellationToken);
            await InstallAsync(connection, transaction, state, cancellationToken);
            await transaction.CommitAsync(cancellationToken);
        }

        await _database.DataSource.ReloadTypesAsync(cancellationToken);
        return differences;
    }

    private async Task<IReadOnlyList<string>> MigrateAloneAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await SetSchemaSettingAsync(connection, cancellationToken);
        await ExecuteAsync(connection, "ensure_schema", null, cancellationToken);
        await ExecuteAsync(connection, "ensure_state_tables", null, cancellationToken);

        await using var locking = await LockAsync(cancellationToken);

        // Another program may have migrated while this one waited.
        var state = await ReadStateAsync(connection, cancellationToken);
        if (IsDone(state)) return [];
        var names = new List<string>();
        foreach (var migration in state.PendingMigrations())
        {
            await ApplyAsync(connection, migration, cancellationToken);
            names.Add(migration.Name);
        }

        await using (var transaction = await connection.BeginTransactionAsync(cancellationToken))
        {
            await LimitLockWaitsAsync(connection, LockLimit, cancellationToken);
            if (state.ChangedFiles().Count > 0 || state.RemovedFiles().Count > 0) names.Add(FunctionsPutIn);
            // Also when migrations alone were applied: their tables need grants.
            await InstallAsync(connection, transaction, state, cancellationToken);
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

    // A superuser, or a member of the owner, leaves nothing of its own behind: the owner could not change it, and what runs with the rights
    // of its owner would run with those of a superuser.
    private async Task InstallAsync(
        NpgsqlConnection connection, NpgsqlTransaction transaction, SchemaState state, CancellationToken cancellationToken)
    {
        await new FunctionInstaller(connection, transaction, state).InstallAsync(cancellationToken);
        await SetSchemaSettingAsync(connection, cancellationToken);
        await ExecuteAsync(connection, "give_to_owner", null, cancellationToken);
    }

    private Task<string?> SetSchemaSettingAsync(NpgsqlConnection connection, CancellationToken cancellationToken) =>
        QuerySingleAsync<string>(connection, "set_schema_setting", new { schema = Schema }, cancellationToken);

    // The lock lives on a connection of its own, in a transaction without a snapshot that ends with the connection: migrations begin and
    // end their own transactions beside it.
    private async Task<NpgsqlConnection> LockAsync(CancellationToken cancellationToken)
    {
        var locking = await _database.OpenAloneAsync(cancellationToken);
        try
        {
            await SetSearchPathAsync(locking, cancellationToken);
            await locking.BeginTransactionAsync(cancellationToken);
            await LimitLockWaitsAsync(locking, OthersLimit, cancellationToken);
            await ExecuteAsync(locking, "lock_migrations", null, cancellationToken, commandTimeout: 0);
            return locking;
        }
        catch
        {
            await locking.DisposeAsync();
            throw;
        }
    }

    // A program of the version before leaves a newer schema as it is.
    private bool IsDone(SchemaState state)
    {
        state.Check(_program);
        return state.IsNewerThan(_program) || (state.Version is not null && state.IsCurrent());
    }

    // The search path that functions see while they are made, temporary objects last.
    private Task<string?> SetSearchPathAsync(NpgsqlConnection connection, CancellationToken cancellationToken) =>
        QuerySingleAsync<string>(connection, "pin_search_path", new { schema = Schema }, cancellationToken);

    private static async Task<SchemaState> ReadStateAsync(NpgsqlConnection connection, CancellationToken cancellationToken) => new()
    {
        Applied = (await connection.QueryAsync<(string Name, string Sha256)>(
            new CommandDefinition(SqlFiles.Query("list_migrations"), cancellationToken: cancellationToken)))
                .ToDictionary(row => row.Name, row => row.Sha256, StringComparer.Ordinal),
        Functions = (await connection.QueryAsync<PutIn>(
            new CommandDefinition(SqlFiles.Query("list_put_in"), cancellationToken: cancellationToken)))
                .ToDictionary(put => put.Name, StringComparer.Ordinal),
        Version = await QuerySingleAsync<SchemaVersionRow>(connection, "find_schema_version", null, cancellationToken),
    };

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
            await LimitLockWaitsAsync(connection, LockLimit, cancellationToken);
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

    private static Task<string?> LimitLockWaitsAsync(NpgsqlConnection connection, TimeSpan limit, CancellationToken cancellationToken) =>
        QuerySingleAsync<string>(
            connection, "limit_lock_waits", new { limit = $"{(long)limit.TotalMilliseconds}ms" }, cancellationToken);

    private static Task<T?> QuerySingleAsync<T>(
        NpgsqlConnection connection, string query, object? parameters, CancellationToken cancellationToken) =>
            connection.QuerySingleOrDefaultAsync<T>(
                new CommandDefinition(SqlFiles.Query(query), parameters, cancellationToken: cancellationToken));

    private static Task<int> ExecuteAsync(
        NpgsqlConnection connection, string query, object? parameters, CancellationToken cancellationToken, int? commandTimeout = null) =>
        connection.ExecuteAsync(
            new CommandDefinition(SqlFiles.Query(query), parameters, commandTimeout: commandTimeout, cancellationToken: cancellationToken));

    private sealed class SchemaDescription
    {
        public int Server { get; init; }

        public bool HasState { get; init; }

        public bool IsOwner { get; init; }
    }
}

/// <summary>How far a schema is.</summary>
/// <param name="Program">Version of this program.</param>
/// <param name="MigratedBy">Version of the program that migrated last; null before the first migration has ended.</param>
/// <param name="Refusal">Why this program cannot work with it, or null.</param>
/// <param name="IsNewer">Whether a newer program migrated it.</param>
/// <param name="Pending">What migrating would do.</param>
public sealed record SchemaReport(string Program, string? MigratedBy, string? Refusal, bool IsNewer, IReadOnlyList<string> Pending);
