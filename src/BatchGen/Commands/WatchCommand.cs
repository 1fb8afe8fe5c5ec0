using System.CommandLine;
using BatchGen.Composition;
using BatchGen.Output;

namespace BatchGen.Commands;

/// <summary><c>batchgen watch</c>: live progress until nothing is open.</summary>
internal static class WatchCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(ProgramContext context)
    {
        var campaign =
            new Argument<string?>("CAMPAIGN") { Arity = ArgumentArity.ZeroOrOne, Description = "Only this campaign; default: all jobs." };
        const string Purpose =
            "Show progress until nothing waits or runs. Exit code 1 when a job failed (of the campaign; without one, while watching).";
        var command = new Command("watch", Purpose) { campaign };
        command.SetAction(async (arguments, cancellationToken) =>
        {
            await using var session = await QueueSession.OpenAsync(context, arguments, cancellationToken);
            var name = arguments.GetValue(campaign);
            // Without a campaign only failures while watching count, not those of past nights.
            var before = name is null ? (await session.Jobs.CountAsync(null, cancellationToken)).Failed : 0;
            var watcher = new ProgressWatcher(context, session.Jobs, session.Workers, session.Standstills);
            var counts = await watcher.WatchAsync(name, cancellationToken);
            if (name is not null && counts.Total == 0) throw CommandException.Failed($"There is no campaign '{Printable.Line(name)}'.");
            return counts.Failed > before ? ExitCodes.Failed : ExitCodes.Success;
        });
        HelpWithExamples.Add(
            command, "batchgen watch tonight", "batchgen watch >> progress.log      prints plain lines when output is not a terminal");
        return command;
    }
}
