using System.CommandLine;
using BatchGen.Chaos;
using BatchGen.Chaos.Reports;
using BatchGen.Composition;
using static System.FormattableString;

namespace BatchGen.Commands;

/// <summary><c>batchgen bench chaos</c>: real workers and servers under a seeded schedule of faults, and an audit of what came of
/// it.</summary>
internal sealed class BenchChaosCommand
{
    private const int LeastWorkers = 2, MostWorkers = 16;
    private const int LeastMinutes = 1, MostMinutes = 24 * 60;
    private const int LeastLeaseSeconds = 5, MostLeaseSeconds = 600;
    private const string Faults = "faults", KillingPoints = "killing-points", SingleFaults = "single-faults";
    private static readonly string[] Parts = [Faults, KillingPoints, SingleFaults];

    private readonly Option<int> _minutes = new("--minutes") { Description = "How long faults come.", DefaultValueFactory = _ => 45 };
    private readonly Option<int> _seed = new("--seed")
    {
        Description = "Decides the faults, their order and times, and what jobs ask for.", DefaultValueFactory = _ => 1,
    };

    private readonly Option<int> _workers = new("--workers") { Description = "Worker processes.", DefaultValueFactory = _ => 3 };
    private readonly Option<int> _lease = new("--lease")
    {
        Description = "Seconds that a lease lives without a heartbeat; faults last in proportion.", DefaultValueFactory = _ => 10,
    };

    private readonly Option<string[]> _parts = new("--part")
    {
        Description = $"Do only this, may be given several times: {string.Join(", ", Parts)}; default: all.",
    };

    private BenchChaosCommand()
    {
    }

    /// <summary>Makes the command.</summary>
    public static Command Create(ProgramContext context)
    {
        var bench = new BenchChaosCommand();
        const string Purpose =
            "Break everything on purpose and audit what came of it: workers killed and suspended, servers crashed and failed over, links "
            + "cut, disks full, files damaged, bits flipped. Uses servers, a model and images of its own; needs PostgreSQL's programs.";
        var command = new Command("chaos", Purpose) { bench._minutes, bench._seed, bench._workers, bench._lease, bench._parts };
        command.SetAction((arguments, cancellationToken) => bench.RunAsync(context, arguments, cancellationToken));
        HelpWithExamples.Add(
            command, "batchgen bench chaos", "batchgen bench chaos --minutes 5 --seed 7", "batchgen bench chaos --part killing-points");
        return command;
    }

    private async Task<int> RunAsync(ProgramContext context, ParseResult arguments, CancellationToken cancellationToken)
    {
        RenderSupport.Require();
        if (!OperatingSystem.IsLinux())
            throw CommandException.BadInput("bench chaos runs on Linux: it signals processes and reads /proc.");
        var seed = CheckedArguments.Within(arguments, _seed, 0, int.MaxValue);
        var options = new ChaosOptions(
            context.ProgramStart(), Path.Combine(context.HomeFolder, "out", "chaos", Invariant($"seed-{seed}")))
        {
            Seed = seed,
            Time = TimeSpan.FromMinutes(CheckedArguments.Within(arguments, _minutes, LeastMinutes, MostMinutes)),
            Workers = CheckedArguments.Within(arguments, _workers, LeastWorkers, MostWorkers),
            Lease = TimeSpan.FromSeconds(CheckedArguments.Within(arguments, _lease, LeastLeaseSeconds, MostLeaseSeconds)),
        };
        var chosen = CheckedArguments.SomeOf(arguments, _parts, Parts) ?? Parts;
        if (Directory.Exists(options.OutputFolder)) Directory.Delete(options.OutputFolder, recursive: true);
        var run = new ChaosRun(options, context.Clock, context.Output.WriteLine);
        var violations = 0;
        foreach (var part in Parts.Intersect(chosen, StringComparer.Ordinal))
        {
            var report = await RunAsync(run, part, cancellationToken);
            violations += report.Violations.Count;
            var text = report.Write($"bench chaos, {part}");
            await context.Output.WriteLineAsync(text);
            await File.AppendAllTextAsync(Path.Combine(options.OutputFolder, "report.md"), text + "\n", cancellationToken);
        }

        await context.Output.WriteLineAsync(Invariant($"{violations} violations; report and logs in {options.OutputFolder}"));
        return violations == 0 ? ExitCodes.Success : ExitCodes.Failed;
    }

    private static Task<ChaosReport> RunAsync(ChaosRun run, string part, CancellationToken cancellationToken) => part switch
    {
        Faults => run.RunFaultsAsync(cancellationToken),
        KillingPoints => run.RunKillingPointsAsync(cancellationToken),
        SingleFaults => run.RunSingleFaultsAsync(cancellationToken),
        _ => throw new InvalidOperationException($"Unknown part '{part}'."),
    };
}
