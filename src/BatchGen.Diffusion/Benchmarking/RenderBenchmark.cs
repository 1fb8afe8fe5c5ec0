using System.Diagnostics;
using System.Globalization;
using BatchGen.Core.Adapters;
using BatchGen.Core.Jobs;
using BatchGen.Core.Registry;
using BatchGen.Core.Rendering;
using BatchGen.Diffusion.Models;
using BatchGen.Diffusion.Rendering;
using BatchGen.Diffusion.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace BatchGen.Diffusion.Benchmarking;

/// <summary>
/// Measures the parts of rendering on the processor beside their floors: counted operations at the measured matrix rate, weights at the
/// measured bandwidth, and the pass's own convolutions, matrix products and attention, each timed alone at the same shapes.
/// </summary>
/// <param name="report">Called with each line of the result.</param>
public sealed class RenderBenchmark(Action<string> report)
{
    private double _matrixRate;
    private double _bandwidth;

    /// <summary>The parts of rendering that can be measured.</summary>
    public static IReadOnlyList<string> Parts { get; } = ["text", "unet", "batch", "vae", "image"];

    /// <summary>Runs on a model.</summary>
    /// <param name="record">A model, usually synthetic.</param>
    /// <param name="options">What to measure.</param>
    /// <param name="encode">Makes the file of an image, for its time.</param>
    /// <param name="cancellationToken">Stops between measurements.</param>
    public void Run(ModelRecord record, RenderBenchmarkOptions options, Action<RenderedImage> encode, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(record);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(encode);
        // As in a worker: the renderer's settings are made first, and one thread of its own uses the model.
        var device = ComputeDevice.Choose(new DiffusionOptions { Device = "cpu", ComputeType = options.ComputeType });
        Exception? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                RunOnThread(record, device.Type, options, encode, cancellationToken);
            }
            catch (Exception error) when (error is not null)
            {
                failure = error;
            }
        });
        thread.Start();
        thread.Join();
        if (failure is not null) System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failure);
    }

    private void RunOnThread(ModelRecord record, ScalarType type, RenderBenchmarkOptions options, Action<RenderedImage> encode,
        CancellationToken cancellationToken)
    {
        using var noGrad = no_grad();
        (_matrixRate, _bandwidth) = (Measure.MatrixRate(type), Measure.Bandwidth());
        var side = options.SidePixels;
        Line($"{Measure.Host()}, {options.ComputeType}, {side} x {side}");
        Line($"matrix products {_matrixRate / 1e9:f0} GFLOP/s, copy {_bandwidth / 1e9:f1} GB/s");
        double text = 0, unet = 0, vae = 0;
        long weights;
        var started = Stopwatch.GetTimestamp();
        using (var model = DiffusionModel.Load(record, type, CPU, cancellationToken))
        {
            weights = model.Weights.All.Where(weight => weight.Base is not null)
                .Sum(weight => weight.Base!.numel() * weight.Base.element_size());
            var load = Stopwatch.GetElapsedTime(started).TotalSeconds;
            Line($"load: {load:f1} s, weights {weights / 1e9:f2} GB, peak memory {Measure.PeakMemory() / 1e9:f2} GB");
            foreach (var part in Parts.Where(options.Parts.Contains))
            {
                cancellationToken.ThrowIfCancellationRequested();
                switch (part)
                {
                    case "text": text = Text(model); break;
                    case "unet":
                        UNet(model, options.SidePixels, 1, floor: false);
                        unet = UNet(model, options.SidePixels, 2, options.Floor);
                        break;
                    case "batch": Batch(model, options.SidePixels); break;
                    case "vae": vae = Vae(model, options.SidePixels, options.Floor); break;
                    default: break;
                }
            }
        }

        if (options.Parts.Contains("image")) Image(record, options, encode, text, unet, vae, cancellationToken);
        var bound = (weights * 1.15) + (2L << 30);
        Line($"peak memory {Measure.PeakMemory() / 1e9:f2} GB; 1.15 x weights + 2 GiB would be {bound / 1e9:f2} GB");
    }

    private double Text(DiffusionModel model)
    {
        var seconds = Measure.Best(3, () =>
        {
            using var encoder = new PromptEncoder(model);
            encoder.Encode("a photo of a cat", null, 0);
        });
        Line($"text encoding of one prompt: {seconds * 1000:f0} ms");
        return seconds;
    }

    private double UNet(DiffusionModel model, int side, long batch, bool floor)
    {
        using var scope = NewDisposeScope();
        var generator = new Generator(1);
        // [B, 4, H/8, W/8]
        var latents = randn([batch, 4, side / model.Vae.Factor, side / model.Vae.Factor], generator: generator).to(model.ComputeType);
        // [B, 77, C]
        var context = randn([batch, 77, model.UNet.ContextWidth], generator: generator).to(model.ComputeType);
        var pooled = model.UNet.PooledWidth > 0 ? randn([batch, model.UNet.PooledWidth], generator: generator).to(model.ComputeType) : null;
        var sizes = model.UNet.PooledWidth > 0 ? full([batch, 6], (float)side) : null;
        var input = new UNetBatch(latents, full([1], 500f), context, pooled, sizes, LatentsPerImage: (int)Math.Min(batch, 2));
        var name = batch == 1 ? "UNet pass over 1 latent, without guidance" : $"UNet pass over {batch} latents";
        return Compare(name, Bytes(model, "unet"), model.ComputeType, floor, () =>
        {
            using var pass = NewDisposeScope();
            UNetPasses.Run(model, input, guidance: 0);
        });
    }

    private void Batch(DiffusionModel model, int side)
    {
        // An image is two latents, with and without its prompt: four singles beside one batch of four.
        var one = UNet(model, side, 2, floor: false);
        var four = UNet(model, side, 8, floor: false);
        Line($"batch of 4 images: {four / (4 * one):f3} of four singles (wanted: at most 1.05)");
    }

    private double Vae(DiffusionModel model, int side, bool floor)
    {
        using var scope = NewDisposeScope();
        var latents = randn([1, 4, side / model.Vae.Factor, side / model.Vae.Factor], generator: new Generator(1)).to(model.VaeType);
        return Compare("VAE decode", Bytes(model, "vae"), model.VaeType, floor, () =>
        {
            using var pass = NewDisposeScope();
            model.Vae.Decode(latents);
        });
    }

    private double Compare(string name, long bytes, ScalarType type, bool floor, Action pass)
    {
        // The first pass warms up, the second records the operations.
        pass();
        var operations = OperationTrace.Of(pass);
        var seconds = Measure.Best(3, pass);
        var count = operations.Sum(OperationCost.Count);
        var (arithmetic, reading) = (count / _matrixRate, bytes / _bandwidth);
        var floors = string.Create(
            CultureInfo.InvariantCulture,
            $"floor by matrix rate {arithmetic:f2} s, floor by reading {bytes / 1e9:f2} GB of weights {reading:f2} s");
        Line($"{name}: {seconds:f4} s; {count / 1e9:f1} GFLOP at {count / seconds / 1e9:f0} GFLOP/s, {floors}");
        if (!floor) return seconds;
        var alone = operations.GroupBy(operation => operation)
            .Select(group => (group.Key.Kind, Seconds: group.Count() * OperationCost.Alone(group.Key, type))).ToArray();
        var sum = alone.Sum(item => item.Seconds);
        var kinds = string.Join(", ", alone.GroupBy(item => item.Kind)
            .Select(group => string.Create(CultureInfo.InvariantCulture, $"{group.Key} {group.Sum(item => item.Seconds):f2}")));
        Line($"  its {operations.Count} operations alone {sum:f2} s ({kinds}); ratio {seconds / sum:f2} (wanted: at most 1.15)");
        return seconds;
    }

    private void Image(
        ModelRecord record, RenderBenchmarkOptions options, Action<RenderedImage> encode, double text, double unet, double vae,
        CancellationToken cancellationToken)
    {
        using var renderer = new DiffusionRenderer(new DiffusionOptions { Device = "cpu", ComputeType = options.ComputeType });
        renderer.LoadModel(record, cancellationToken);
        ClaimedJob[] Jobs(int steps) =>
        [
            new ClaimedJob(1, 1, new RenderRecipe
            {
                Prompt = "a photo of a cat", NegativePrompt = "", Signature = AdapterSignature.Create(record.Name, []),
                WidthPixels = options.SidePixels, HeightPixels = options.SidePixels,
                Steps = steps, Sampler = "euler", GuidanceScale = 7.5, Seed = 1,
            }),
        ];
        renderer.Render(Jobs(1), new Silent(), cancellationToken); // Warms up.
        IReadOnlyList<RenderedImage> images = [];
        var seconds = Measure.Best(1, () => images = renderer.Render(Jobs(options.Steps), new Silent(), cancellationToken));
        var file = Measure.Best(3, () => encode(images[0]));
        var rate = 60 / seconds;
        Line($"one image of {options.Steps} steps: {seconds:f2} s, {rate:f2} images/min");
        Line($"  its file {file * 1000:f0} ms, written while the next image is drawn");
        if (unet <= 0 || vae <= 0) return;
        var parts = (options.Steps * unet) + vae + (2 * text);
        Line($"  its parts measured above {parts:f2} s; all else {1 - (parts / seconds):p1} of it (wanted: at most 3 %)");
    }

    private static long Bytes(DiffusionModel model, string component) => model.Weights.All
        .Where(weight => weight.Base is not null && weight.Component == component)
            .Sum(weight => weight.Base!.numel() * weight.Base.element_size());

    private void Line(FormattableString text) => report(text.ToString(CultureInfo.InvariantCulture));

    private sealed class Silent : IProgress<StepProgress>
    {
        public void Report(StepProgress value)
        {
        }
    }
}

/// <summary>The settings of a render benchmark.</summary>
public sealed class RenderBenchmarkOptions
{
    /// <value>Side of the image in pixels; 512.</value>
    public int SidePixels { get; set; } = 512;

    /// <value>Steps of the image; 4.</value>
    public int Steps { get; set; } = 4;

    /// <value>Compute type; float32.</value>
    public string ComputeType { get; set; } = "float32";

    /// <value>Whether the operations of each pass are timed alone too, which takes as long again; true.</value>
    public bool Floor { get; set; } = true;

    /// <value>Which of <see cref="RenderBenchmark.Parts"/>; all but batch.</value>
    public IReadOnlyCollection<string> Parts { get; set; } = ["text", "unet", "vae", "image"];
}
