using System.Diagnostics;
using BatchGen.Core.Adapters;
using BatchGen.Core.Imaging;
using BatchGen.Core.Registry;
using BatchGen.Core.Rendering;
using BatchGen.Diffusion.Adapters;
using BatchGen.Diffusion.Models;
using BatchGen.Diffusion.Rendering;
using BatchGen.Diffusion.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace BatchGen.Diffusion.Drift;

/// <summary>Measures what putting adapters on and taking them off does to 16-bit weights: in the usual ways, and in BatchGen's.</summary>
/// <remarks>
/// Weights are held in 16 bit, as on a GPU. Images are drawn in float32 from those weights, so that only the weights can be the cause of a
/// difference. Blocks; everything runs on the calling thread, on the CPU.
/// </remarks>
public static class DriftLaboratory
{
    private static readonly IDriftProcedure[] Usual =
    [
        new FuseEachSubtractSum(), new FuseEachUnfuseEach(), new FuseTogether(), new AddSubtractHalf(),
    ];
    private static readonly FuseMode[] Ours = [FuseMode.Overlay, FuseMode.InPlace];

    /// <summary>Names of all procedures: the usual ones, then BatchGen's.</summary>
    public static IReadOnlyList<string> Procedures { get; } =
    [
        .. Usual.Select(procedure => procedure.Key), .. Ours.Select(FuseModes.ToCode),
    ];

    /// <summary>Runs the procedures asked for.</summary>
    /// <param name="plan">What to measure.</param>
    /// <param name="progress">Called with the cycle now and then.</param>
    /// <param name="cancellationToken">Checked between cycles.</param>
    /// <exception cref="Core.Failures.AdapterException">An adapter cannot be applied.</exception>
    /// <exception cref="Core.Failures.ModelException">The model cannot be loaded.</exception>
    public static DriftResult Run(DriftPlan plan, IProgress<DriftProgress> progress, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(progress);
        ArgumentOutOfRangeException.ThrowIfLessThan(plan.Cycles, 1);
        var type = plan.WeightType switch
        {
            "float16" => ScalarType.Float16,
            "bfloat16" => ScalarType.BFloat16,
            _ => throw new ArgumentException($"Weight type '{plan.WeightType}' is not known; use float16 or bfloat16.", nameof(plan)),
        };
        using var noGrad = no_grad();
        using var artist = plan.Images.Count == 0 ? null : new Artist(plan, cancellationToken);
        using var flat = Collect(plan, type, cancellationToken);
        var originals = artist?.Draw(flat.Original, flat) ?? [];
        var usual = Usual.Where(procedure => plan.Procedures.Contains(procedure.Key)).ToArray();
        var ours = Ours.Where(mode => plan.Procedures.Contains(mode.ToCode())).ToArray();
        var meter = new Meter(plan, flat, artist, originals, usual.Length + ours.Length, progress, cancellationToken);
        foreach (var procedure in usual)
        {
            using var weights = flat.Original.clone();
            meter.Measure(procedure.Name, procedure.Description, isOurs: false, () =>
            {
                procedure.Cycle(weights, flat.Deltas);
                return true;
            }, () => weights);
        }

        foreach (var mode in ours)
        {
            using var bench = new SwitchBench(plan, type, mode, cancellationToken);
            meter.Measure(NameOf(mode), DescriptionOf(mode), isOurs: true, bench.Cycle, () => flat.Gather(bench.Model));
        }

        return new DriftResult(plan, flat.Tensors, flat.Original.numel(), originals, meter.Series);
    }

    private static string NameOf(FuseMode mode) => mode == FuseMode.Overlay ? "BatchGen, overlay" : "BatchGen, in place";

    private static string DescriptionOf(FuseMode mode) => mode == FuseMode.Overlay
        ? "Fuses all adapters in one pass into new tensors beside the base, drops them, and checksums the base."
        : "Fuses all adapters in one pass over the base's memory, copies the saved bytes back, and checksums the base.";

    private static FlatWeights Collect(DriftPlan plan, ScalarType type, CancellationToken cancellationToken)
    {
        using var model = DiffusionModel.Load(plan.Model, type, CPU, cancellationToken);
        var loaded = plan.Signature.Adapters
            .Select(use => LoadedAdapter.Load(RecordOf(plan, use))).ToArray();
        try
        {
            return FlatWeights.Collect(model.Weights, plan.Signature.Adapters, loaded);
        }
        finally
        {
            foreach (var adapter in loaded) adapter.Dispose();
        }
    }

    private static AdapterRecord RecordOf(DriftPlan plan, AdapterUse use) => plan.Adapters.First(record => record.Name == use.Name);

    /// <summary>Repeats the cycles of one procedure after another and measures weights and images after some of them.</summary>
    private sealed class Meter(
        DriftPlan plan, FlatWeights flat, Artist? artist, IReadOnlyList<RenderedImage> originals, int count,
        IProgress<DriftProgress> progress, CancellationToken cancellationToken)
    {
        private readonly List<DriftSeries> _series = [];

        public IReadOnlyList<DriftSeries> Series => _series;

        /// <param name="name">Name of the procedure.</param>
        /// <param name="description">The work of one cycle.</param>
        /// <param name="isOurs">True for BatchGen's own procedures.</param>
        /// <param name="cycle">Does one cycle; false when a checksum after it differed from the baseline.</param>
        /// <param name="weightsNow">The weights as they are now. [n]</param>
        public void Measure(string name, string description, bool isOurs, Func<bool> cycle, Func<Tensor> weightsNow)
        {
            var samples = new List<DriftSample>();
            var (changed, elapsed) = (0, TimeSpan.Zero);
            var done = 0;
            foreach (var target in plan.SampleCycles)
            {
                for (; done < target; done++)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    var started = Stopwatch.GetTimestamp();
                    if (!cycle()) changed++;
                    elapsed += Stopwatch.GetElapsedTime(started);
                    if (done % 100 == 0) progress.Report(new DriftProgress(name, _series.Count + 1, count, done, plan.Cycles));
                }

                samples.Add(Sample(target, weightsNow));
            }

            _series.Add(new DriftSeries(name, description, isOurs, samples, changed, elapsed.TotalMilliseconds));
        }

        private DriftSample Sample(int cycle, Func<Tensor> weightsNow)
        {
            using var scope = NewDisposeScope();
            var weights = weightsNow();
            var images = artist?.Draw(weights, flat) ?? [];
            var comparisons = images.Zip(
                originals, (now, before) => ImageComparison.Of(now.Rgb, before.Rgb, now.WidthPixels, now.HeightPixels)).ToArray();
            return new DriftSample(cycle, WeightError.Of(weights, flat.Original), images, comparisons);
        }
    }

    /// <summary>A model in 16 bit on which adapters are switched the way a worker does.</summary>
    private sealed class SwitchBench : IDisposable
    {
        private readonly DriftPlan _plan;
        private readonly DiffusionModel _model;
        private readonly AdapterCache _cache = new(1L << 30);
        private readonly AdapterFuser _fuser;
        private readonly BaseChecksum _checksum;

        public SwitchBench(DriftPlan plan, ScalarType type, FuseMode mode, CancellationToken cancellationToken)
        {
            _plan = plan;
            _model = DiffusionModel.Load(plan.Model, type, CPU, cancellationToken);
            _fuser = new AdapterFuser(_model.Weights, _cache, mode);
            _checksum = BaseChecksum.Take(_model.Weights);
        }

        public ModelWeights Model => _model.Weights;

        /// <returns>True when the checksum after the cycle is the baseline.</returns>
        public bool Cycle()
        {
            _fuser.Fuse(_plan.Signature, _plan.Adapters, CancellationToken.None);
            _fuser.Unload();
            return _checksum.Verify(CancellationToken.None).Passed;
        }

        public void Dispose()
        {
            _fuser.Dispose();
            _cache.Dispose();
            _model.Dispose();
        }
    }

    /// <summary>Draws the same jobs with the weights that are given.</summary>
    private sealed class Artist : IDisposable
    {
        private readonly DriftPlan _plan;
        private readonly DiffusionRenderer _renderer;
        private readonly CancellationToken _cancellationToken;

        public Artist(DriftPlan plan, CancellationToken cancellationToken)
        {
            _plan = plan;
            _cancellationToken = cancellationToken;
            _renderer = new DiffusionRenderer(new DiffusionOptions { Device = "cpu", ComputeType = "float32" });
            _renderer.LoadModel(plan.Model, cancellationToken);
        }

        public IReadOnlyList<RenderedImage> Draw(Tensor weights, FlatWeights flat)
        {
            flat.PutOn(weights, _renderer.Weights!);
            try
            {
                _renderer.Prompts!.Forget();
                return _renderer.Render(_plan.Images, new Progress<StepProgress>(), _cancellationToken);
            }
            finally
            {
                FlatWeights.RemoveFrom(_renderer.Weights!);
            }
        }

        public void Dispose() => _renderer.Dispose();
    }
}
