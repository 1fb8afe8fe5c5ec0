using System.Diagnostics;
using System.Globalization;
using BatchGen.Core.Adapters;
using BatchGen.Core.Jobs;
using BatchGen.Core.Registry;
using BatchGen.Core.Rendering;
using BatchGen.Diffusion.Models;
using BatchGen.Diffusion.Rendering;
using BatchGen.Diffusion.Sampling;
using BatchGen.Diffusion.Text;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace BatchGen.Benchmarks;

/// <summary>Measures the parts of rendering beside their floors: the convolutions, matrix products and attention of each pass, timed alone at the same shapes.</summary>
internal sealed class RenderBenchmark(TextWriter output)
{
    /// <summary>Runs on a model folder.</summary>
    /// <param name="folder">A model, usually synthetic.</param>
    /// <param name="side">Picture side in pixels.</param>
    /// <param name="type">Compute type.</param>
    /// <param name="parts">Any of <c>text</c>, <c>unet</c>, <c>vae</c>, <c>batch</c>, <c>images</c>.</param>
    public int Run(string folder, int side, string type, IReadOnlyCollection<string> parts)
    {
        // As in a worker: the renderer's settings are made first, and one thread of its own uses the model.
        _ = ComputeDevice.Choose(new DiffusionOptions { Device = "cpu", ComputeType = type });
        var code = 0;
        var thread = new Thread(() => code = RunOnThread(folder, side, type, parts));
        thread.Start();
        thread.Join();
        return code;
    }

    private int RunOnThread(string folder, int side, string type, IReadOnlyCollection<string> parts)
    {
        var scalar = type switch { "float32" => ScalarType.Float32, "bfloat16" => ScalarType.BFloat16, _ => throw new ArgumentException($"compute type {type}", nameof(type)) };
        Line($"{Environment.ProcessorCount} processors, {get_num_threads()} torch threads, .NET {Environment.Version}, {type}, {side} x {side}");
        var started = Stopwatch.GetTimestamp();
        var record = new ModelRecord("bench", Path.GetFullPath(folder), "", "", []);
        using var model = DiffusionModel.Load(record, scalar, CPU, CancellationToken.None);
        var weights = model.Weights.All.Where(weight => weight.Base is not null).Sum(weight => weight.Base!.numel() * weight.Base.element_size());
        Line($"load {Stopwatch.GetElapsedTime(started).TotalSeconds:f1} s, weights {weights / 1e9:f2} GB, peak memory {PeakMemory() / 1e9:f2} GB");
        using var noGrad = no_grad();
        if (parts.Contains("text")) Text(model);
        var floor = !parts.Contains("nofloor");
        if (parts.Contains("unet")) UNet(model, side, 2, floor);
        if (parts.Contains("batch"))
        {
            var one = UNet(model, side, 1, floor: false);
            var four = UNet(model, side, 4, floor: false);
            Line($"batch of 4: {four / (4 * one):f3} of four singles (wanted: 1.05)");
        }

        if (parts.Contains("vae")) Vae(model, side, floor);
        if (parts.Contains("images")) Images(model, record, side, type);
        Line($"peak memory {PeakMemory() / 1e9:f2} GB; weights + 2 GiB would be {(weights * 1.15 + (2L << 30)) / 1e9:f2} GB");
        return 0;
    }

    private void Text(DiffusionModel model)
    {
        var seconds = Best(2, () =>
        {
            using var encoder = new PromptEncoder(model);
            encoder.Encode("a photo of a cat", null, 0);
        });
        Line($"text encoding of one prompt: {seconds * 1000:f0} ms");
    }

    private double UNet(DiffusionModel model, int side, long batch, bool floor)
    {
        using var scope = NewDisposeScope();
        var generator = new Generator(1);
        var latents = randn([batch, 4, side / model.Vae.Factor, side / model.Vae.Factor], generator: generator).to(model.ComputeType);
        var context = randn([batch, 77, model.UNet.ContextWidth], generator: generator).to(model.ComputeType);
        var pooled = model.UNet.PooledWidth > 0 ? randn([batch, model.UNet.PooledWidth], generator: generator).to(model.ComputeType) : null;
        var sizes = model.UNet.PooledWidth > 0 ? full([batch, 6], (float)side) : null;
        var times = full([batch], 500f);
        void Pass()
        {
            using var pass = NewDisposeScope();
            model.UNet.Forward(latents, times, context, pooled, sizes);
        }

        Compare($"UNet pass over {batch} latents of {side} x {side}", Pass, model.ComputeType, floor, out var seconds);
        return seconds;
    }

    private void Vae(DiffusionModel model, int side, bool floor)
    {
        using var scope = NewDisposeScope();
        var latents = randn([1, 4, side / model.Vae.Factor, side / model.Vae.Factor], generator: new Generator(1)).to(model.VaeType);
        Compare($"VAE decode to {side} x {side}", () =>
        {
            using var pass = NewDisposeScope();
            model.Vae.Decode(latents);
        }, model.VaeType, floor, out _);
    }

    private void Compare(string name, Action pass, ScalarType type, bool floor, out double seconds)
    {
        IReadOnlyList<Operation> operations = [];
        // The first pass warms up and tells what it does.
        operations = OperationTrace.Of(pass);
        seconds = Best(3, pass);
        if (!floor)
        {
            Line($"{name}: {seconds:f2} s");
            return;
        }

        var alone = operations.GroupBy(operation => operation).Select(group => (group.Key, Count: group.Count(), Seconds: Alone(group.Key, type))).ToArray();
        var sum = alone.Sum(item => item.Count * item.Seconds);
        var kinds = string.Join(", ", alone.GroupBy(item => item.Key.Kind).Select(group => string.Create(CultureInfo.InvariantCulture, $"{group.Key} {group.Sum(item => item.Count * item.Seconds):f2}")));
        Line($"{name}: {seconds:f2} s; its {operations.Count} operations alone {sum:f2} s ({kinds}); ratio {seconds / sum:f2} (wanted: 1.15)");
    }

    private static double Alone(Operation operation, ScalarType type)
    {
        using var scope = NewDisposeScope();
        long[] Shape(string text) => text.Split('x').Select(size => long.Parse(size, CultureInfo.InvariantCulture)).ToArray();
        var input = randn(Shape(operation.Input), generator: new Generator(1)).to(type);
        var weight = randn(Shape(operation.Weight), generator: new Generator(2)).to(type);
        return Best(3, () =>
        {
            using var inner = NewDisposeScope();
            _ = operation.Kind switch
            {
                OperationKind.Convolution => F.conv2d(input, weight, null, [operation.Stride, operation.Stride], [operation.Padding, operation.Padding]),
                OperationKind.MatrixProduct => F.linear(input, weight.flatten(1)),
                OperationKind.Attention => F.scaled_dot_product_attention(input, weight, weight),
                _ => throw new InvalidOperationException($"unknown kind {operation.Kind}"),
            };
        });
    }

    private void Images(DiffusionModel model, ModelRecord record, int side, string type)
    {
        _ = model;
        using var renderer = new DiffusionRenderer(new DiffusionOptions { Device = "cpu", ComputeType = type });
        renderer.LoadModel(record, CancellationToken.None);
        const int Steps = 4;
        var jobs = new[]
        {
            new ClaimedJob(1, 1, new RenderRecipe
            {
                Prompt = "a photo of a cat", NegativePrompt = "", Signature = AdapterSignature.Create("bench", []), WidthPixels = side, HeightPixels = side, Steps = Steps,
                Sampler = "euler", GuidanceScale = 7.5, Seed = 1,
            }),
        };
        var seconds = Best(1, () => renderer.Render(jobs, new Silent(), CancellationToken.None));
        Line($"one picture of {Steps} steps: {seconds:f1} s");
    }

    private static double Best(int repeats, Action action)
    {
        var best = double.MaxValue;
        for (var i = 0; i < repeats; i++)
        {
            var started = Stopwatch.GetTimestamp();
            action();
            best = Math.Min(best, Stopwatch.GetElapsedTime(started).TotalSeconds);
        }

        return best;
    }

    private static long PeakMemory()
    {
        const string Path = "/proc/self/status";
        var line = File.Exists(Path) ? File.ReadLines(Path).FirstOrDefault(text => text.StartsWith("VmHWM:", StringComparison.Ordinal)) : null;
        return line is null ? Process.GetCurrentProcess().PeakWorkingSet64 : long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture) * 1024;
    }

    private void Line(FormattableString text) => output.WriteLine(text.ToString(CultureInfo.InvariantCulture));

    private sealed class Silent : IProgress<StepProgress>
    {
        public void Report(StepProgress value)
        {
        }
    }
}
