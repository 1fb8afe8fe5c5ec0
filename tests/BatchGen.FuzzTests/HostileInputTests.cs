using System.Globalization;
using BatchGen.FuzzTests.Guided;
using BatchGen.Testing;

[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.None)]

namespace BatchGen.FuzzTests;

/// <summary>No input may make a reader end with anything but a refusal, take more than a second, or take more than 512 MiB.</summary>
/// <remarks>
/// <c>BATCHGEN_FUZZ_SECONDS</c> says how long each target runs, <c>BATCHGEN_FUZZ_QUIET_SECONDS</c> for how long it must have found nothing
/// new at the end; <c>eng/check-long.sh fuzz</c> sets both. <c>BATCHGEN_FUZZ_TARGETS</c> names the targets to run, separated by commas.
/// </remarks>
public sealed class HostileInputTests(ITestOutputHelper output)
{
    private const int DefaultSeconds = 3;

    public static TheoryData<string> Names => [.. Chosen(InstrumentedAssemblies.Targets.Select(target => target.Name))];

    public static TheoryData<string> Findings => [.. Directory.GetFiles(FindingsFolder).Select(file => Path.GetFileName(file)!)];

    private static string FindingsFolder => Path.Combine(RepositoryPaths.Root, "tests", "BatchGen.FuzzTests", "Findings");

    [Theory]
    [MemberData(nameof(Names))]
    public void A_reader_of_foreign_input_refuses_what_it_cannot_read(string name)
    {
        var seed = Environment.GetEnvironmentVariable("BATCHGEN_FUZZ_SEED") is { } text ? int.Parse(text, CultureInfo.InvariantCulture) : 1;
        var report = new Fuzzer(Target(name), seed)
            .Run(Seconds("BATCHGEN_FUZZ_SECONDS", DefaultSeconds), Seconds("BATCHGEN_FUZZ_QUIET_SECONDS", 0));
        output.WriteLine(report.ToString());
        var folder = Directory.CreateDirectory(Path.Combine(RepositoryPaths.Root, "out", "fuzz")).FullName;
        File.AppendAllText(Path.Combine(folder, "report.txt"), report + "\n");
        Assert.True(report.Executions > 10, report.ToString());
        Assert.True(report.Paths > 1, $"the target is not instrumented, or its inputs all take one path: {report}");
    }

    [Theory]
    [MemberData(nameof(Findings))]
    public void An_input_that_once_failed_is_refused_or_read(string file)
    {
        var target = InstrumentedAssemblies.Targets.Where(target => file.StartsWith(target.Name + "-", StringComparison.Ordinal))
            .MaxBy(target => target.Name.Length);
        Assert.NotNull(target);
        new Fuzzer(target, 1).Try(File.ReadAllBytes(Path.Combine(FindingsFolder, file)));
    }

    [Fact]
    public void A_reader_that_fails_behind_a_branch_of_its_own_is_found()
    {
        var header = Target("safetensors-header");
        // The reader refuses this only after it has read the entry before.
        var planted = header with
        {
            Name = "planted",
            IsRefusal = failure => header.IsRefusal(failure) && !failure.Message.Contains("twice", StringComparison.Ordinal),
        };
        var found = Assert.Throws<FuzzException>(() => new Fuzzer(planted, 1).Run(TimeSpan.FromMinutes(1), TimeSpan.Zero));
        Assert.Contains("planted: an input of", found.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_input_that_takes_more_than_a_second_each_time_is_found()
    {
        var slow = Target("seeds") with { Run = _ => SpinWait.SpinUntil(() => false, TimeSpan.FromSeconds(1.1)) };
        Assert.Contains("took", Assert.Throws<FuzzException>(() => new Fuzzer(slow, 1).Try([1])).Message, StringComparison.Ordinal);
    }

    private static IEnumerable<string> Chosen(IEnumerable<string> names) =>
        Environment.GetEnvironmentVariable("BATCHGEN_FUZZ_TARGETS") is { } text ? names.Intersect(text.Split(',')) : names;

    private static FuzzTarget Target(string name) => InstrumentedAssemblies.Targets.Single(target => target.Name == name);

    private static TimeSpan Seconds(string variable, int otherwise) => TimeSpan.FromSeconds(
        Environment.GetEnvironmentVariable(variable) is { } text ? int.Parse(text, CultureInfo.InvariantCulture) : otherwise);
}
