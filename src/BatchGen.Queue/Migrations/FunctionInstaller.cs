using BatchGen.Queue.Roles;
using BatchGen.Queue.Sql;
using Dapper;
using Npgsql;

namespace BatchGen.Queue.Migrations;

/// <summary>Puts the functions, procedures and views of <c>db/functions</c> into the schema, those whose text
/// changed, in one transaction.</summary>
/// <remarks>
/// A statement that another session has prepared survives: the server plans it anew and finds the function by its name. A function that
/// only changed inside is replaced in place. Where that is refused, since its parameters, its result or the columns of a view changed, the
/// views and the changed routines are dropped first and made anew. Only what an earlier run put in is ever dropped, and nothing that
/// something else depends on.
/// </remarks>
internal sealed class FunctionInstaller(
    NpgsqlConnection connection, NpgsqlTransaction transaction, string schema, SchemaState state)
{
    private const string BeforeFunctions = "before_functions";

    // A shape that cannot be replaced in place: a routine's or a view's, a comment that names two routines, or a
    // view that needs the old routine.
    private static readonly HashSet<string> NeedsDrop =
    [
        PostgresErrorCodes.InvalidFunctionDefinition, PostgresErrorCodes.InvalidTableDefinition, PostgresErrorCodes.AmbiguousFunction,
        PostgresErrorCodes.DependentObjectsStillExist, PostgresErrorCodes.WrongObjectType,
    ];

    /// <summary>Puts in what changed and drops what no file makes any more.</summary>
    /// <exception cref="QueueException">A file does not fit, or something that BatchGen did not make depends on
    /// what must be dropped.</exception>
    public async Task InstallAsync(CancellationToken cancellationToken)
    {
        var (changed, removed) = (state.ChangedFiles(), state.RemovedFiles());
        // Functions may call each other and the views in any order.
        await RunAsync("skip_body_checks", null, cancellationToken);
        await transaction.SaveAsync(BeforeFunctions, cancellationToken);
        Dictionary<string, string[]> made;
        try
        {
            made = await ReplaceAsync(changed, removed, cancellationToken);
        }
        catch (PostgresException error) when (NeedsDrop.Contains(error.SqlState))
        {
            await transaction.RollbackAsync(BeforeFunctions, cancellationToken);
            made = await RemakeAsync(changed, removed, cancellationToken);
        }

        foreach (var file in changed)
            await RunAsync("record_put_in", new { name = file.Name, sha256 = file.Sha256, made = made[file.Name] }, cancellationToken);
        await RunAsync("forget_put_in", new { names = removed.Select(put => put.Name).ToArray() }, cancellationToken);
        await RunAsync("apply_settings_and_grants", null, cancellationToken);
        // A superuser, or a member of the owner, leaves nothing of its own behind: the owner could not change it, and what runs with the
        // rights of its owner would run with those of a superuser. The lock is held by a session of its own, for which this one would wait.
        await OwnerKeeper.GiveAsync(connection, transaction, [schema], andLock: false, cancellationToken);
    }

    private async Task<Dictionary<string, string[]>> ReplaceAsync(
        IReadOnlyList<SchemaFile> changed, IReadOnlyList<PutIn> removed, CancellationToken cancellationToken)
    {
        var before = await ListRoutinesAsync(changed, cancellationToken);
        foreach (var file in changed) await ExecuteAsync(file.Text, cancellationToken);
        var after = await ListRoutinesAsync(changed, cancellationToken);
        var made = MadeBy(changed, after.Except(before));
        var stale = changed.Where(file => state.Functions.ContainsKey(file.Name))
            .SelectMany(file => state.Functions[file.Name].Made.Except(made[file.Name], StringComparer.Ordinal));
        await DropViewsAsync(removed.Where(put => put.Made.Length == 0).Select(put => put.Name), cancellationToken);
        await DropRoutinesAsync([.. stale, .. removed.SelectMany(put => put.Made)], cancellationToken);
        return made;
    }

    private async Task<Dictionary<string, string[]>> RemakeAsync(
        IReadOnlyList<SchemaFile> changed, IReadOnlyList<PutIn> removed, CancellationToken cancellationToken)
    {
        // 1. Views first, the last made first, since they depend on routines and on each other
        var views = SqlFiles.ListFunctions().Where(file => file.IsView).ToArray();
        var known = state.Functions.Values.Where(put => put.Made.Length == 0).Select(put => put.Name).ToHashSet(StringComparer.Ordinal);
        try
        {
            await DropViewsAsync([.. removed.Where(put => put.Made.Length == 0).Select(put => put.Name),
                .. views.Reverse().Select(view => view.Name).Where(known.Contains)], cancellationToken);
            // 2. Then the old shapes of what changed
            var names = changed.Select(file => file.Name).Concat(removed.Select(put => put.Name));
            await DropRoutinesAsync(
                names.Where(state.Functions.ContainsKey).SelectMany(name => state.Functions[name].Made), cancellationToken);
        }
        catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.DependentObjectsStillExist)
        {
            throw new QueueException(
                $"The functions and views of this version cannot be put in: {error.MessageText}. "
                    + "Drop what depends on it, migrate, and make it anew.", error);
        }

        // 3. Everything anew: what changed, and every view
        var before = await ListRoutinesAsync(changed, cancellationToken);
        try
        {
            foreach (var file in changed.Where(file => !file.IsView).Concat(views)) await ExecuteAsync(file.Text, cancellationToken);
        }
        catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.AmbiguousFunction)
        {
            await transaction.RollbackAsync(BeforeFunctions, cancellationToken);
            var others = await Overload.ListAsync(connection, transaction, cancellationToken);
            throw new QueueException(
                $"The functions and views of this version cannot be put in: {error.MessageText}. Drop what somebody made beside them "
                    + $"and migrate: {string.Join("; ", others.Select(other => other.Remedy))}", error);
        }

        return MadeBy(changed, (await ListRoutinesAsync(changed, cancellationToken)).Except(before));
    }

    // A routine that was put in just now has another row version than before.
    private static Dictionary<string, string[]> MadeBy(IReadOnlyList<SchemaFile> files, IEnumerable<Routine> fresh)
    {
        var identities = fresh.ToLookup(routine => routine.Name, routine => routine.Identity, StringComparer.Ordinal);
        return files.ToDictionary(
            file => file.Name, file => file.Routines.SelectMany(name => identities[name]).ToArray(), StringComparer.Ordinal);
    }

    private async Task<List<Routine>> ListRoutinesAsync(IReadOnlyList<SchemaFile> files, CancellationToken cancellationToken) =>
        (await connection.QueryAsync<Routine>(new CommandDefinition(
            SqlFiles.Query("list_routines"), new { names = files.SelectMany(file => file.Routines).ToArray() }, transaction,
            cancellationToken: cancellationToken))).AsList();

    private Task DropViewsAsync(IEnumerable<string> names, CancellationToken cancellationToken) =>
        DropAsync("drop_views", names, cancellationToken);

    private Task DropRoutinesAsync(IEnumerable<string> identities, CancellationToken cancellationToken) =>
        DropAsync("drop_routines", identities, cancellationToken);

    private async Task DropAsync(string query, IEnumerable<string> dropped, CancellationToken cancellationToken)
    {
        var list = dropped.ToArray();
        if (list.Length == 0) return;
        await RunAsync("set_dropped_setting", new { dropped = list }, cancellationToken);
        await RunAsync(query, null, cancellationToken);
    }

    private Task<int> RunAsync(string query, object? parameters, CancellationToken cancellationToken) =>
        connection.ExecuteAsync(
            new CommandDefinition(SqlFiles.Query(query), parameters, transaction, cancellationToken: cancellationToken));

    private Task<int> ExecuteAsync(string statements, CancellationToken cancellationToken) =>
        connection.ExecuteAsync(
            new CommandDefinition(statements, transaction: transaction, commandTimeout: 0, cancellationToken: cancellationToken));

    private sealed record Routine
    {
        public string Name { get; init; } = "";

        public string Identity { get; init; } = "";

        public string Version { get; init; } = "";
    }
}
