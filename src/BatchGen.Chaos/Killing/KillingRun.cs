using System.Text.Json.Nodes;
using BatchGen.Chaos.Audits;
using BatchGen.Chaos.Jobs;
using BatchGen.Chaos.Processes;
using static System.FormattableString;

namespace BatchGen.Chaos.Killing;

/// <summary>Kills a worker at every named point between claim and checkpoint, and the worker that recovers from that at the same
/// point.</summary>
internal sealed class KillingRun(Stage stage, Producer producer)
{
    private const int KilledExitCode = 137;
    private const int JobsAtLeast = 6;
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);
    private static readonly string[] Signatures = ["", "demo-neon@0.8", "demo-pixel@1"];

    /// <summary>Goes through the points, each stream through those of its own.</summary>
    /// <param name="streams">How many workers run at a time.</param>
    /// <param name="cancellationToken">Ends the run.</param>
    /// <returns>Whether every point was reached.</returns>
    public async Task<AuditLine> RunAsync(int streams, CancellationToken cancellationToken)
    {
        var points = KillingPoint.List(stage.Images.Folder);
        var missed = await Task.WhenAll(Enumerable.Range(0, streams).Select(stream =>
            RunAsync(points.Where((_, index) => index % streams == stream), stream, cancellationToken)));
        return new AuditLine(
            "A worker was killed at every point between claim and checkpoint, and again when it recovered", points.Count * 2,
            [.. missed.SelectMany(lines => lines)]);
    }

    private async Task<IReadOnlyList<string>> RunAsync(IEnumerable<KillingPoint> points, int stream, CancellationToken cancellationToken)
    {
        var missed = new List<string>();
        foreach (var point in points)
        {
            for (var round = 0; round < 2; round++)
            {
                await producer.SubmitAsync(NewJobs(), cancel: 0, TimeSpan.Zero, cancellationToken);
                if (await KillAsync(point, stream) is { } problem) missed.Add($"{point.Name}: {problem}");
            }
        }

        return missed;
    }

    private async Task<string?> KillAsync(KillingPoint point, int stream)
    {
        var name = Invariant($"victim-{stream}");
        var environment = stage.Environment(name, stream);
        environment["DOTNET_STARTUP_HOOKS"] = typeof(KillingRun).Assembly.Location;
        environment["BATCHGEN_CHAOS_KILL"] = point.Order;
        var worker = new WorkerSlot(
            name, $"{name}-{point.Name.Replace(' ', '-')}", stage.Options.Program, environment, Path.Combine(stage.LogFolder, "logs"),
            stage.Clock);
        return await worker.RunOnceAsync(Limit) switch
        {
            KilledExitCode => null,
            null => $"it was not reached within {Limit.TotalSeconds:0} s",
            { } code => $"the worker ended with {code} before",
        };
    }

    // Enough for two signatures, so that adapters are taken off again.
    private static JsonObject[] NewJobs() => [.. Enumerable.Range(0, JobsAtLeast).Select(number => new JsonObject
    {
        ["prompt"] = Invariant($"a red circle {number}"), ["seed"] = number, ["width"] = 64, ["height"] = 64, ["steps"] = 2,
        ["sampler"] = "ddim", ["guidance_scale"] = 7.5, ["adapters"] = Signatures[number % Signatures.Length],
    })];
}
