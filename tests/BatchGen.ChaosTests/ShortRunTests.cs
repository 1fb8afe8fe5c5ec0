using System.Globalization;
using BatchGen.Chaos;
using BatchGen.Chaos.Processes;
using BatchGen.Chaos.Reports;
using BatchGen.Testing;

namespace BatchGen.ChaosTests;

/// <summary>Real workers, servers and files under faults; the long form is <c>batchgen bench chaos</c>.</summary>
public sealed class ShortRunTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Faults_of_every_kind_lose_double_and_blame_no_job()
    {
        var report = await RunAsync("faults", run => run.RunFaultsAsync(TestContext.Current.CancellationToken));
        Assert.True(report.Faults.Count(fault => fault.IsDone) >= 20, string.Join('\n', report.Faults));
        Assert.True(report.Images > 0, "no image was drawn");
    }

    [Fact]
    public Task A_worker_killed_at_any_point_between_claim_and_checkpoint_loses_nothing() =>
        RunAsync("killing-points", run => run.RunKillingPointsAsync(TestContext.Current.CancellationToken));

    private async Task<ChaosReport> RunAsync(string name, Func<ChaosRun, Task<ChaosReport>> run)
    {
        var program = new ProgramStart(Path.Combine(AppContext.BaseDirectory, "batchgen"), [], RepositoryPaths.Root);
        var folder = Path.Combine(RepositoryPaths.Root, "out", "chaos", "tests", name);
        if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
        var options = new ChaosOptions(program, folder)
        {
            Seed = 12, Time = TimeSpan.FromSeconds(60), FaultInterval = TimeSpan.FromSeconds(1.2), Workers = 2,
            Lease = TimeSpan.FromSeconds(5), DrainLimit = TimeSpan.FromMinutes(2),
        };
        var report = await run(new ChaosRun(options, TimeProvider.System, output.WriteLine));
        output.WriteLine(report.Write(string.Create(CultureInfo.InvariantCulture, $"Test {name}")));
        Assert.Empty(report.Violations);
        return report;
    }
}
