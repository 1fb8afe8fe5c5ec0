using System.CommandLine;
using System.Globalization;
using BatchGen.Composition;
using BatchGen.Queue.Roles;

namespace BatchGen.Commands;

/// <summary><c>batchgen migrate</c>: brings the database schema up to date.</summary>
internal static class MigrateCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(ProgramContext context)
    {
        var command = new Command("migrate", "Bring the database schema up to date; the other commands do it by themselves.");
        command.SetAction(async (arguments, cancellationToken) =>
        {
            await using var session = await QueueSession.OpenAsync(context, arguments, cancellationToken);
            foreach (var name in session.AppliedMigrations) await context.Output.WriteLineAsync($"Applied {name}");
            if (session.AppliedMigrations.Count == 0) await context.Output.WriteLineAsync("The schema is up to date");
            await MendOwnersAsync(context, session.Owners, cancellationToken);
            await MendFunctionsAsync(context, session, cancellationToken);
            await MendRolesAsync(context, session.Roles, cancellationToken);
            await LimitProducersAsync(context, session.Roles, cancellationToken);
            return ExitCodes.Success;
        });
        HelpWithExamples.Add(
            command, "batchgen migrate",
            "ConnectionStrings__BatchGen='Host=db;Username=owner;Password=...;Database=batchgen' batchgen migrate");
        return command;
    }

    private static async Task MendFunctionsAsync(ProgramContext context, QueueSession session, CancellationToken cancellationToken)
    {
        foreach (var other in await session.Functions.ListOverloadsAsync(cancellationToken))
            await context.Error.WriteLineAsync($"batchgen: {other.Problem} {other.Advice}");
        var mended = await session.Functions.MendAsync(cancellationToken);
        foreach (var difference in mended ?? []) await context.Output.WriteLineAsync($"Put in anew, because {difference.What}");
        // Whoever may not act as the owner could not mend them either.
        if (mended is null && (await session.Owners.ListOwnersAsync(cancellationToken)) is [{ IsMember: true } schema, ..])
        {
            await context.Error.WriteLineAsync("batchgen: Whether somebody changed functions or views was not looked at, since this user "
                + $"may not create schemas. Run as a superuser: {schema.LetCompareStatement}; then again: batchgen migrate");
        }
    }

    private static async Task LimitProducersAsync(ProgramContext context, RoleKeeper roles, CancellationToken cancellationToken)
    {
        foreach (var (producer, isLimited) in await roles.LimitProducersAsync(cancellationToken))
        {
            if (isLimited) await context.Output.WriteLineAsync($"Limited {producer.QuotedName}: {string.Join(", ", producer.Unset)}");
            else await context.Error.WriteLineAsync($"batchgen: Producer {producer.QuotedName} may leave transactions open or run "
                + $"statements without a time limit, and this user may not limit it. Run as a superuser: {producer.LimitStatements}");
        }
    }

    // What another role owns, the owner of the schema can neither migrate nor, in places, use.
    private static async Task MendOwnersAsync(ProgramContext context, OwnerKeeper owners, CancellationToken cancellationToken)
    {
        var (before, after) = await owners.MendAsync(cancellationToken);
        foreach (var given in before.Except(after))
            await context.Output.WriteLineAsync($"Gave {given.Object} of '{given.Owner}' to '{given.SchemaOwner}', who owns the schema");
        foreach (var others in after.GroupBy(left => (left.Owner, left.SchemaOwner)))
        {
            await context.Error.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"batchgen: {others.First().Object}")
                + (others.Count() > 1 ? string.Create(CultureInfo.InvariantCulture, $" and {others.Count() - 1} more belong") : " belongs")
                + $" to '{others.Key.Owner}' and not to '{others.Key.SchemaOwner}', who owns the schema, and this user may not give it "
                + "away. Run as a superuser: batchgen migrate");
        }
    }

    // A database that was restored into another server, or whose roles were dropped, is up to date and serves nobody but its owner.
    private static async Task MendRolesAsync(ProgramContext context, RoleKeeper roles, CancellationToken cancellationToken)
    {
        var (before, after) = await roles.MendAsync(cancellationToken);
        foreach (var role in before.MissingRoles.Except(after.MissingRoles, StringComparer.Ordinal))
            await context.Output.WriteLineAsync($"Created role {role}");
        foreach (var grant in before.MissingGrants.Except(after.MissingGrants, StringComparer.Ordinal))
            await context.Output.WriteLineAsync($"Granted {grant}");
        foreach (var grant in before.SurplusGrants.Except(after.SurplusGrants, StringComparer.Ordinal))
            await context.Output.WriteLineAsync($"Revoked {grant}");
        // One line a login: most are meant, and this is said at every run.
        foreach (var grants in after.LoginGrants.GroupBy(grant => grant.Login, StringComparer.Ordinal))
        {
            var first = grants.First();
            await context.Error.WriteLineAsync(grants.Count() == 1
                ? $"batchgen: {first.Described} was given by hand, and stays. If nobody means it, run as the owner: {first.Remedy}"
                : string.Create(CultureInfo.InvariantCulture, $"batchgen: {first.Described} and {grants.Count() - 1} more ")
                    + "rights of this login were given by hand, and stay. If nobody means them, take them away with the statements that "
                    + "batchgen doctor names.");
        }

        foreach (var fault in after.Faults) await context.Error.WriteLineAsync($"batchgen: {fault.Problem} {fault.Advice}");
        if (after.MissingRoles.Count > 0)
        {
            await context.Error.WriteLineAsync($"batchgen: Roles are missing and this user may not create them: "
                + $"{string.Join(", ", after.MissingRoles)}. Run as a superuser: {after.CreateStatements}; then as the owner: "
                + "batchgen migrate");
        }
    }
}
