using System.CommandLine;
using BatchGen.Composition;

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
            return ExitCodes.Success;
        });
        HelpWithExamples.Add(
            command, "batchgen migrate",
            "ConnectionStrings__BatchGen='Host=db;Username=owner;Password=...;Database=batchgen' batchgen migrate");
        return command;
    }
}
