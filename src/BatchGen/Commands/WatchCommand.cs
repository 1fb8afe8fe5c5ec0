using System.CommandLine;
using BatchGen.Composition;
using BatchGen.Output;
using BatchGen.Queue.Jobs;
using BatchGen.Queue.Workers;

namespace BatchGen.Commands;

/// <summary><c>batchgen watch</c>: live progress until nothing is open.</summary>
internal static class WatchCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(ProgramContext context)
    {
        var campaign = new Argument<string?>("CAMPAIGN") { Arity = ArgumentArity.ZeroOrOne, Description = "Only this campaign; default: all jobs." };
        var command = new Command("watch", "Show progress until nothing waits or runs. Exit code 1 when a job failed (of the campaign; without one, while watching).") { campaign };
        command.SetAction(async (arguments, cancellationToken) =>
        {
            await using var session = await QueueSession.OpenAsync(context, arguments.GetValue(CommandLine.Verbose), cancellationToken);
            var catalog = session.Get<JobCatalog>();
            var name = arguments.GetValue(campaign);
            // Failures of past nights are no news, unless they belong to the campaign asked for.
            var before = name is null ? (await catalog.CountAsync(null, cancellationToken)).Failed : 0;
            var counts = await new ProgressWatcher(context, catalog, session.Get<WorkerRegistry>()).WatchAsync(name, cancellationToken);
            if (name is not null && counts.Total == 0) throw CommandException.Failed($"There is no campaign '{Printable.Line(name)}'.");
            return counts.Failed > before ? ExitCodes.Failed : ExitCodes.Success;
        });
        HelpWithExamples.Add(command, "batchgen watch tonight", "batchgen watch >> progress.log      prints plain lines when output is not a terminal");
        return command;
    }
}
