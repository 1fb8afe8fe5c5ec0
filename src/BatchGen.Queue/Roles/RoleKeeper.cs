using System.Text.Json;
using BatchGen.Queue.Inspection;
using BatchGen.Queue.Migrations;
using BatchGen.Queue.Sql;
using Dapper;
using Npgsql;

namespace BatchGen.Queue.Roles;

/// <summary>Compares the roles of the queue and their rights with what they should be, and mends them.</summary>
/// <remarks>What the rights should be stands in <c>apply_grants</c> alone: it is called in a transaction that is undone, and the rights
/// before and after are compared.</remarks>
public sealed class RoleKeeper(QueueDatabase database)
{
    /// <summary>The roles of the queue, for schemas that cannot say them yet; the function <c>queue_roles</c> says the same.</summary>
    public static IReadOnlyList<string> Roles { get; } = ["batchgen_submitter", "batchgen_worker", "batchgen_reader"];

    /// <summary>Says what is missing and what is too much, and changes nothing.</summary>
    public async Task<RoleReport> InspectAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.DataSource.OpenConnectionAsync(cancellationToken);
        await SearchPath.PinAsync(connection, database.Options.Schema, cancellationToken);
        return await InspectAsync(connection, cancellationToken);
    }

    /// <summary>Creates missing roles and gives and takes rights, as far as this user may.</summary>
    /// <returns>What was mended, and what is still as it was.</returns>
    public async Task<(RoleReport Before, RoleReport After)> MendAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.DataSource.OpenConnectionAsync(cancellationToken);
        await SearchPath.PinAsync(connection, database.Options.Schema, cancellationToken);
        var before = await InspectAsync(connection, cancellationToken);
        if (before.IsComplete || !before.KnowsGrants) return (before, before);
        await using (var transaction = await connection.BeginTransactionAsync(cancellationToken))
        {
            await connection.ExecuteAsync(new CommandDefinition(
                SqlFiles.Query("apply_settings_and_grants"), transaction: transaction, cancellationToken: cancellationToken));
            await transaction.CommitAsync(cancellationToken);
        }

        return (before, await InspectAsync(connection, cancellationToken));
    }

    /// <summary>Limits idle transactions and statements of producers that have no limit and of which nobody has decided otherwise, as far
    /// as this user may.</summary>
    /// <returns>Each producer that lacked a limit nobody had decided on, and whether it was given.</returns>
    public async Task<IReadOnlyList<(Producer Producer, bool IsLimited)>> LimitProducersAsync(CancellationToken cancellationToken)
    {
        var producers = await new ServerInspector(database).ListProducersAsync(cancellationToken);
        var done = new List<(Producer, bool)>();
        foreach (var producer in producers.Where(producer => producer.Unset.Length > 0))
            done.Add((producer, await IsLimitedAsync(producer, cancellationToken)));
        return done;
    }

    private async Task<bool> IsLimitedAsync(Producer producer, CancellationToken cancellationToken)
    {
        await using var connection = await database.DataSource.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var role = JsonSerializer.Serialize(new { name = producer.Name, settings = producer.Unset });
        try
        {
            await connection.ExecuteAsync(
                new CommandDefinition(SqlFiles.Query("set_role_setting"), new { role }, transaction, cancellationToken: cancellationToken));
            await connection.ExecuteAsync(
                new CommandDefinition(SqlFiles.Query("limit_producer"), transaction: transaction, cancellationToken: cancellationToken));
            await transaction.CommitAsync(cancellationToken);
            return true;
        }
        catch (PostgresException)
        {
            // This user may not; or another program changed or dropped the login at the same moment.
            return false;
        }
    }

    private async Task<RoleReport> InspectAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var described = await SchemaDescription.ReadAsync(connection, database.Options.Schema, cancellationToken);
        var missing = await ListAsync(connection, "list_missing_roles", cancellationToken);
        var faults = await ListAsync<RoleFault>(connection, "list_role_faults", cancellationToken);
        if (!described.IsOwner) return new RoleReport(missing, KnowsGrants: false, [], []) { Faults = faults };
        var byHand = await ListAsync<LoginGrant>(connection, "list_login_grants", cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var found = await ListAsync(connection, "list_grants", cancellationToken);
        await connection.ExecuteAsync(
            new CommandDefinition(SqlFiles.Query("try_grants"), transaction: transaction, cancellationToken: cancellationToken));
        var wanted = await ListAsync(connection, "list_grants", cancellationToken);
        await transaction.RollbackAsync(cancellationToken);
        return new RoleReport(missing, KnowsGrants: true, Except(wanted, found), Except(found, wanted))
        {
            Faults = faults, LoginGrants = byHand,
        };
    }

    private static string[] Except(List<string> these, List<string> others) =>
        [.. these.Except(others, StringComparer.Ordinal).Order(StringComparer.Ordinal)];

    private static Task<List<string>> ListAsync(NpgsqlConnection connection, string query, CancellationToken cancellationToken) =>
        ListAsync<string>(connection, query, cancellationToken);

    private static async Task<List<T>> ListAsync<T>(NpgsqlConnection connection, string query, CancellationToken cancellationToken) =>
        (await connection.QueryAsync<T>(new CommandDefinition(SqlFiles.Query(query), cancellationToken: cancellationToken))).AsList();
}

/// <summary>How roles and rights differ from what they should be.</summary>
/// <param name="MissingRoles">Roles of the queue that the server does not have.</param>
/// <param name="KnowsGrants">False when rights could not be compared, because this user does not own the schema.</param>
/// <param name="MissingGrants">Rights that a role lacks.</param>
/// <param name="SurplusGrants">Rights that a role or everybody has without need.</param>
public sealed record RoleReport(
    IReadOnlyList<string> MissingRoles, bool KnowsGrants, IReadOnlyList<string> MissingGrants, IReadOnlyList<string> SurplusGrants)
{
    /// <summary>What roles of the queue have that a role must not have which only stands for rights.</summary>
    public IReadOnlyList<RoleFault> Faults { get; init; } = [];

    /// <summary>Rights that were given to single logins by hand; they may be meant, and are left as they are.</summary>
    public IReadOnlyList<LoginGrant> LoginGrants { get; init; } = [];

    /// <summary>True when nothing is known to be missing or too much.</summary>
    public bool IsComplete => KnowsGrants && MissingRoles.Count == 0 && MissingGrants.Count == 0 && SurplusGrants.Count == 0;

    /// <summary>Statements that create the missing roles.</summary>
    public string CreateStatements => string.Join("; ", MissingRoles.Select(role => $"create role {QuotedName.Of(role)} nologin"));
}

/// <summary>What a role of the queue has that it must not have.</summary>
/// <param name="Role">The role.</param>
/// <param name="Fault">What it has, to be read behind its name: "may log in".</param>
/// <param name="Remedy">Statement that takes it away.</param>
public sealed record RoleFault(string Role, string Fault, string Remedy)
{
    /// <summary>What is wrong, as a sentence.</summary>
    public string Problem => $"Role {Role} {Fault}, which no role of the queue should.";

    /// <summary>What to do about it, as a sentence without its full stop.</summary>
    public string Advice => $"Run as a superuser: {Remedy}";
}

/// <summary>A right of a single login.</summary>
/// <param name="Described">Privilege, object and login.</param>
/// <param name="Remedy">Statement that takes it away.</param>
/// <param name="Login">Name of the login.</param>
public sealed record LoginGrant(string Described, string Remedy, string Login);
