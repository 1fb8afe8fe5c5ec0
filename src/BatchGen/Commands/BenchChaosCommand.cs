using System.CommandLine;
using BatchGen.Chaos;
using BatchGen.Chaos.Processes;
using BatchGen.Chaos.Reports;
using BatchGen.Composition;
using static System.FormattableString;

namespace BatchGen.Commands;

/// <summary><c>batchgen bench chaos</c>: real workers and servers under a seeded schedule of faults, and an audit of what came of
/// it.</summary>
internal static class BenchChaosCommand
{
    private const int LeastWorkers = 2, MostWorkers = 16;
    private const int LeastMinutes = 1, MostMinutes = 24 * 60;

    /// <summary>Makes the command.</summary>
    public static Command Create(ProgramContext context)
    {
        var minutes = new Option<int>("--minutes") { Description = "How long faults come.", DefaultValueFactory = _ => 45 };
        var seed = new Option<int>("--seed")
        {
            Description = "Decides the faults, their order and times, and what jobs ask for.", DefaultValueFactory = _ => 1,
        };
        var workers = new Option<int>("--workers") { Description = "Worker processes.", DefaultValueFactory = _ => 3 };
        const string Purpose =
            "Break everything on purpose and audit what came of it: workers killed and suspended, servers crashed and failed over, links "
            + "cut, disks full, files damaged, bits flipped. Uses servers, a model and images of its own; needs PostgreSQL's programs.";
        var command = new Command("chaos", Purpose) { minutes, seed, workers };
        command.SetAction(async (arguments, cancellationToken) =>
        {
            RenderSupport.Require();
            if (!OperatingSystem.IsLinux())
                throw CommandException.BadInput("bench chaos runs on Linux: it signals processes and reads /proc.");
            var chosen = CheckedArguments.Within(arguments, seed, 0, int.MaxValue);
            var folder = Path.Combine(context.HomeFolder, "out", "chaos", Invariant($"seed-{chosen}"));
            if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
            var options = new ChaosOptions(context.ProgramStart(), folder)
            {
                Seed = chosen,
                Time = TimeSpan.FromMinutes(CheckedArguments.Within(arguments, minutes, LeastMinutes, MostMinutes)),
                Workers = CheckedArguments.Within(arguments, workers, LeastWorkers, MostWorkers),
            };
            return await RunAsync(context, options, cancellationToken);
        });
        HelpWithExamples.Add(command, "batchgen bench chaos", "batchgen bench chaos --minutes 5 --seed 7");
        return command;
    }

    private static async Task<int> RunAsync(ProgramContext context, ChaosOptions options, CancellationToken cancellationToken)
    {
        var run = new ChaosRun(options, context.Clock, context.Output.WriteLine);
        var parts = new (string Title, Func<CancellationToken, Task<ChaosReport>> RunAsync)[]
        {
            ("Faults", run.RunFaultsAsync), ("Killing points", run.RunKillingPointsAsync), ("Single faults", run.RunSingleFaultsAsync),
        };
        var violations = 0;
        var file = Path.Combine(options.OutputFolder, "report.md");
        foreach (var (title, runAsync) in parts)
        {
            var report = await runAsync(cancellationToken);
            violations += report.Violations.Count;
            var text = report.Write(title);
            await context.Output.WriteLineAsync(text);
            await File.AppendAllTextAsync(file, text + "\n", cancellationToken);
        }

        await context.Output.WriteLineAsync(Invariant($"{violations} violations; report and logs in {options.OutputFolder}"));
        return violations == 0 ? ExitCodes.Success : ExitCodes.Failed;
    }
}
