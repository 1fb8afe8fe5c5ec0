using BatchGen.Core.Adapters;
using BatchGen.Core.Imaging;
using BatchGen.Core.Jobs;
using BatchGen.Core.Registry;
using BatchGen.Core.Rendering;

namespace BatchGen.Diffusion.Drift;

/// <summary>The settings of a drift measurement.</summary>
/// <param name="Model">The base model.</param>
/// <param name="Signature">Adapters and strengths, in the order they are fused.</param>
/// <param name="Adapters">Their registry entries.</param>
/// <param name="Cycles">How often adapters are put on and taken off.</param>
/// <param name="WeightType">16-bit type the weights are held in: <c>float16</c> or <c>bfloat16</c>.</param>
/// <param name="Images">Jobs drawn with the plain model after some cycles, always the same seeds; empty measures weights only.</param>
/// <param name="Procedures">Which to run (<see cref="DriftLaboratory.Procedures"/>).</param>
public sealed record DriftPlan(
    ModelRecord Model, AdapterSignature Signature, IReadOnlyList<AdapterRecord> Adapters, int Cycles, string WeightType,
    IReadOnlyList<ClaimedJob> Images, IReadOnlyList<string> Procedures)
{
    /// <summary>The cycles after which things are measured: 1, 2, 5, 10, 20, 50, ... and the last.</summary>
    public IReadOnlyList<int> SampleCycles
    {
        get
        {
            var cycles = new List<int>();
            for (long decade = 1; decade <= Cycles; decade *= 10)
                cycles.AddRange(new[] { decade, 2 * decade, 5 * decade }.Where(cycle => cycle < Cycles).Select(cycle => (int)cycle));
            return [.. cycles, Cycles];
        }
    }
}

/// <summary>State of the weights after some cycles.</summary>
/// <param name="Cycle">Cycles done.</param>
/// <param name="Weights">How far they are from the original.</param>
/// <param name="Images">What the plain model draws now; empty when only weights are measured.</param>
/// <param name="Comparisons">Each image against the one of the untouched model.</param>
public sealed record DriftSample(
    int Cycle, WeightError Weights, IReadOnlyList<RenderedImage> Images, IReadOnlyList<ImageComparison> Comparisons);

/// <summary>The measurements of a procedure over all cycles.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Description">What one cycle does.</param>
/// <param name="IsOurs">True for the ways BatchGen works.</param>
/// <param name="Samples">Measurements, by rising cycle.</param>
/// <param name="ChangedDigests">Cycles after which the checksum differed from the baseline; counted for BatchGen's own procedures, where
/// each cycle is checked.</param>
/// <param name="ElapsedMs">Milliseconds for all cycles, measuring left out.</param>
public sealed record DriftSeries(
    string Name, string Description, bool IsOurs, IReadOnlyList<DriftSample> Samples, int ChangedDigests, double ElapsedMs);

/// <summary>The results of a drift measurement.</summary>
/// <param name="Plan">The settings it was run with.</param>
/// <param name="Tensors">Tensors the adapters touch.</param>
/// <param name="Elements">Numbers in them.</param>
/// <param name="Originals">What the untouched model draws.</param>
/// <param name="Series">The procedures.</param>
public sealed record DriftResult(
    DriftPlan Plan, int Tensors, long Elements, IReadOnlyList<RenderedImage> Originals, IReadOnlyList<DriftSeries> Series);

/// <summary>The progress of a drift measurement.</summary>
/// <param name="Procedure">Name of the procedure that runs now.</param>
/// <param name="Number">Its number, from 1.</param>
/// <param name="Count">Number of procedures.</param>
/// <param name="Cycle">Cycles done.</param>
/// <param name="Cycles">Cycles in all.</param>
public sealed record DriftProgress(string Procedure, int Number, int Count, int Cycle, int Cycles);
