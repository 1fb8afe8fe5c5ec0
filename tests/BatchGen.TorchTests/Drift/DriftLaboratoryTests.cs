using BatchGen.Core.Adapters;
using BatchGen.Diffusion.Drift;

namespace BatchGen.TorchTests.Drift;

/// <summary>
/// The drift laboratory on the demo model: what the usual ways of switching adapters do to weights, and what BatchGen's ways do.
/// </summary>
public sealed class DriftLaboratoryTests
{
    private static readonly string[] OurProcedures = ["overlay", "in-place"];

    [Theory]
    [InlineData("float16")]
    [InlineData("bfloat16")]
    public void Our_ways_change_no_bit_and_the_usual_ways_change_weights(string type)
    {
        var result = DriftLaboratory.Run(
            Plan(cycles: 12, type, DriftLaboratory.Procedures), new DriftProgressList(), CancellationToken.None);

        Assert.Equal(DriftLaboratory.Procedures.Count, result.Series.Count);
        Assert.True(result.Tensors > 0 && result.Elements > result.Tensors);
        Assert.All(result.Series, series => Assert.Equal([1, 2, 5, 10, 12], series.Samples.Select(sample => sample.Cycle)));
        Assert.All(result.Series.Where(series => series.IsOurs), series =>
        {
            Assert.Equal(0, series.ChangedDigests);
            Assert.Single(series.Samples.Select(sample => sample.Weights.Digest).Distinct());
            Assert.All(series.Samples, sample => Assert.Equal((0, 0), (sample.Weights.RelativeRms, sample.Weights.ShareChanged)));
        });
        Assert.All(
            result.Series.Where(series => !series.IsOurs), series => Assert.True(series.Samples[^1].Weights.ShareChanged > 0, series.Name));
        Assert.Equal(OurProcedures.Length, result.Series.Count(series => series.IsOurs));
    }

    [Fact]
    public void Images_of_a_model_whose_base_is_kept_are_equal_to_those_before_the_first_cycle()
    {
        var plan = Plan(cycles: 3, "bfloat16", ["subtract-sum", "overlay"]) with { Images = [DemoModel.Job(1), DemoModel.Job(2, seed: 7)] };

        var result = DriftLaboratory.Run(plan, new DriftProgressList(), CancellationToken.None);

        Assert.Equal(2, result.Originals.Count);
        var ours = Assert.Single(result.Series, series => series.IsOurs).Samples[^1];
        Assert.All(ours.Comparisons, comparison => Assert.Equal(double.PositiveInfinity, comparison.Psnr));
        Assert.Equal(result.Originals.Select(image => image.Rgb), ours.Images.Select(image => image.Rgb));
        var usual = Assert.Single(result.Series, series => !series.IsOurs).Samples[^1];
        Assert.Equal(2, usual.Comparisons.Count);
        Assert.Contains(usual.Comparisons, comparison => comparison.DifferingPixels > 0);
    }

    [Fact]
    public void Progress_names_the_procedure_its_number_and_the_cycle()
    {
        var progress = new DriftProgressList();

        DriftLaboratory.Run(Plan(cycles: 2, "float16", ["half", "in-place"]), progress, CancellationToken.None);

        Assert.Equal(
            [(1, 2, 0, 2), (2, 2, 0, 2)], progress.Reports.Select(report => (report.Number, report.Count, report.Cycle, report.Cycles)));
        Assert.Equal(["add and subtract in 16 bit", "BatchGen, in place"], progress.Reports.Select(report => report.Procedure));
    }

    [Fact]
    public void A_weight_type_of_more_than_16_bits_is_refused() =>
        Assert.Throws<ArgumentException>(
            () => DriftLaboratory.Run(Plan(1, "float32", OurProcedures), new DriftProgressList(), CancellationToken.None));

    [Fact]
    public void A_cancelled_run_stops_between_cycles()
    {
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        Assert.ThrowsAny<OperationCanceledException>(
            () => DriftLaboratory.Run(Plan(1, "float16", OurProcedures), new DriftProgressList(), cancelled.Token));
    }

    [Fact]
    public void A_run_leaves_no_tensor_behind()
    {
        DriftLaboratory.Run(Plan(1, "float16", DriftLaboratory.Procedures), new DriftProgressList(), CancellationToken.None);
        var before = DemoModel.SettledTensors();

        DriftLaboratory.Run(Plan(2, "float16", DriftLaboratory.Procedures), new DriftProgressList(), CancellationToken.None);

        Assert.Equal(before, DemoModel.SettledTensors());
    }

    private static DriftPlan Plan(int cycles, string type, IReadOnlyList<string> procedures) => new(
        DemoModel.Record, AdapterSignature.Create("demo", [new AdapterUse("demo-outline", 0.8m), new AdapterUse("demo-striped", 0.7m)]),
        DemoModel.Adapters, cycles, type, [], procedures);

    /// <summary>Keeps every report, on the thread that makes it.</summary>
    private sealed class DriftProgressList : IProgress<DriftProgress>
    {
        public List<DriftProgress> Reports { get; } = [];

        public void Report(DriftProgress value) => Reports.Add(value);
    }
}
