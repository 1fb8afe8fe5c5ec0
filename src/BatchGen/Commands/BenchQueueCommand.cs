using System.CommandLine;
using System.Globalization;
using BatchGen.Composition;
using BatchGen.Queue.Benchmarking;

namespace BatchGen.Commands;

/// <summary><c>batchgen bench queue</c>: measures submit, claim and complete on the configured server, in a schema of its own.</summary>
internal sealed class BenchQueueCommand
{
    private readonly Option<int> _jobs = new("--jobs") { Description = "Jobs in the backlog.", DefaultValueFactory = _ => 1_000_000 };
    private readonly Option<int> _signatures = new("--signatures")
    {
        Description = "Signatures they are spread over, skewed.",
        DefaultValueFactory = _ => 12_000,
    };
    private readonly Option<int> _claims = new("--claims")
    {
        Description = "Claims timed in each situation.",
        DefaultValueFactory = _ => 3_000,
    };
    private readonly Option<int> _workers = new("--workers")
    {
        Description = "Workers of the drain, connections of single submits.",
        DefaultValueFactory = _ => 10,
    };
    private readonly Option<int> _singles = new("--singles")
    {
        Description = "Jobs submitted one by one.",
        DefaultValueFactory = _ => 20_000,
    };
    private readonly Option<int> _drain = new("--drain")
    {
        Description = "Trivial jobs claimed and completed by all workers.",
        DefaultValueFactory = _ => 200_000,
    };
    private readonly Option<int> _drainSignatures = new("--drain-signatures")
    {
        Description = "Signatures of the drain.",
        DefaultValueFactory = _ => 100,
    };
    private readonly Option<int> _drainBatch = new("--drain-batch")
    {
        Description = "Batch size of the drain.",
        DefaultValueFactory = _ => 500,
    };
    private readonly Option<int> _latency = new("--latency")
    {
        Description = "Urgent jobs whose start is timed.",
        DefaultValueFactory = _ => 500,
    };

    private BenchQueueCommand()
    {
    }

    /// <summary>Makes the command.</summary>
    public static Command Create(ProgramContext context)
    {
        var bench = new BenchQueueCommand();
        const string Purpose =
            "Measure the queue on the configured database server: rates, latencies and server CPU per job. "
            + "Renders nothing; uses a schema of its own and drops it.";
        var command = new Command("queue", Purpose)
        {
            bench._jobs, bench._signatures, bench._claims, bench._workers, bench._singles, bench._drain, bench._drainSignatures,
            bench._drainBatch, bench._latency,
        };
        command.SetAction((arguments, cancellationToken) => bench.RunAsync(context, arguments, cancellationToken));
        HelpWithExamples.Add(command, "batchgen bench queue", "batchgen bench queue --jobs 100000 --claims 500 --drain 50000");
        return command;
    }

    private async Task<int> RunAsync(ProgramContext context, ParseResult arguments, CancellationToken cancellationToken)
    {
        var options = new QueueBenchmarkOptions
        {
            Jobs = CheckedArguments.AtLeastOne(arguments, _jobs),
            Signatures = CheckedArguments.AtLeastOne(arguments, _signatures),
            Claims = CheckedArguments.AtLeastOne(arguments, _claims),
            Workers = CheckedArguments.AtLeastOne(arguments, _workers),
            SingleSubmits = CheckedArguments.AtLeastOne(arguments, _singles),
            LatencySamples = CheckedArguments.AtLeastOne(arguments, _latency),
            DrainJobs = CheckedArguments.AtLeastOne(arguments, _drain),
            DrainSignatures = CheckedArguments.AtLeastOne(arguments, _drainSignatures),
            DrainBatch = CheckedArguments.AtLeastOne(arguments, _drainBatch),
        };
        await using var session = await QueueSession.OpenAsync(context, arguments, cancellationToken);
        await QueueBenchmark.RunAsync(session.ConnectionString, options, line => context.Output.WriteLine(Format(line)), cancellationToken);
        return ExitCodes.Success;
    }

    private static string Format(BenchmarkLine line)
    {
        var text = $"{line.What}: {line.Count.ToString("N0", CultureInfo.InvariantCulture)}";
        if (line.PerSecond is { } rate) text += string.Create(CultureInfo.InvariantCulture, $" jobs, {rate:N0}/s");
        if (line.ServerMsPerJob is { } cpu) text += string.Create(CultureInfo.InvariantCulture, $", server CPU {cpu:0.0000} ms a job");
        if (line.Times is not { } times) return text;
        return text + string.Create(
            CultureInfo.InvariantCulture,
            $" times, p50 {times.P50Ms:0.00} ms, p95 {times.P95Ms:0.00} ms, p99 {times.P99Ms:0.00} ms, max {times.MaxMs:0.0} ms");
    }
}
