using System.CommandLine;
using BatchGen.Composition;
using BatchGen.Queue.Migrations;

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
            await MendRolesAsync(context, session.Roles, cancellationToken);
            return ExitCodes.Success;
        });
        HelpWithExamples.Add(
            command, "batchgen migrate",
            "ConnectionStrings__BatchGen='Host=db;Username=owner;Password=...;Database=batchgen' batchgen migrate");
        return command;
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
        if (after.MissingRoles.Count > 0)
        {
            await context.Error.WriteLineAsync($"batchgen: Roles are missing and this user may not create them: "
                + $"{string.Join(", ", after.MissingRoles)}. Run as a superuser: {after.CreateStatements}; then as the owner: "
                + "batchgen migrate");
        }
    }
}
