using Npgsql;

namespace BatchGen.Queue.Migrations;

/// <summary>Finds functions and views that somebody changed in a schema that is up to date, and puts them in anew.</summary>
public sealed class FunctionMender(QueueDatabase database)
{
    /// <value>The lock that is held while functions are put in, with its limits.</value>
    internal MigrationLock Lock { get; init; } = new(database);

    private string Schema => database.Options.Schema;

    /// <summary>Says which functions and views differ from what this program put in, and changes nothing.</summary>
    /// <returns>What differs; nothing while the schema is not that of this program; null when this user may not compare them.</returns>
    public async Task<IReadOnlyList<FunctionDifference>?> InspectAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.DataSource.OpenConnectionAsync(cancellationToken);
        var found = await SchemaDescription.ReadAsync(connection, Schema, cancellationToken);
        if (!found.HasState) return [];
        if (!found.IsOwner) return null;
        await SearchPath.PinAsync(connection, Schema, cancellationToken);
        var state = await SchemaState.ReadAsync(connection, cancellationToken);
        return await FindDifferencesAsync(connection, state, cancellationToken);
    }

    /// <summary>Puts functions and views in anew that differ from what this program put in, as far as this user may.</summary>
    /// <returns>What differed; null when this user may not compare them.</returns>
    /// <exception cref="QueueException">Another session keeps a lock, or this user may not put them in; nothing was changed.</exception>
    public Task<IReadOnlyList<FunctionDifference>?> MendAsync(CancellationToken cancellationToken) => Lock.SayErrorsAsync(async () =>
    {
        // Without anything to do nobody waits for the lock.
        var seen = await InspectAsync(cancellationToken);
        return seen is { Count: > 0 } ? await MendAloneAsync(cancellationToken) : seen;
    });

    /// <summary>Says which routines share a name with one of this program and take other parameters, so that calls may reach them in its
    /// place.</summary>
    /// <returns>Those routines; none while there is no schema.</returns>
    public async Task<IReadOnlyList<Overload>> ListOverloadsAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.DataSource.OpenConnectionAsync(cancellationToken);
        if (!(await SchemaDescription.ReadAsync(connection, Schema, cancellationToken)).HasState) return [];
        await SearchPath.PinAsync(connection, Schema, cancellationToken);
        return await Overload.ListAsync(connection, transaction: null, cancellationToken);
    }

    private async Task<IReadOnlyList<FunctionDifference>?> MendAloneAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.DataSource.OpenConnectionAsync(cancellationToken);
        await SearchPath.PinAsync(connection, Schema, cancellationToken);
        await using var locking = await Lock.TakeAsync(cancellationToken);

        // Another program may have migrated or mended while this one waited: what it put in is not to be replaced by older files.
        var found = await SchemaState.ReadAsync(connection, cancellationToken);
        var differences = await FindDifferencesAsync(connection, found, cancellationToken);
        if (differences is not { Count: > 0 }) return differences;
        var state = new SchemaState
        {
            Applied = found.Applied, Functions = found.Functions, Version = found.Version,
            Changed = differences.Select(difference => difference.File).ToHashSet(StringComparer.Ordinal),
        };
        await using (var transaction = await connection.BeginTransactionAsync(cancellationToken))
        {
            await Lock.LimitWaitsAsync(connection, transaction, cancellationToken);
            await new FunctionInstaller(connection, transaction, Schema, state).InstallAsync(cancellationToken);
            await transaction.CommitAsync(cancellationToken);
        }

        await database.DataSource.ReloadTypesAsync(cancellationToken);
        return differences;
    }

    private async Task<IReadOnlyList<FunctionDifference>?> FindDifferencesAsync(
        NpgsqlConnection connection, SchemaState state, CancellationToken cancellationToken) =>
            state.IsNewerThan(ProgramVersion.Current) || !state.IsCurrent()
                ? [] : await new FunctionInspector(connection, Schema).FindDifferencesAsync(cancellationToken);
}
