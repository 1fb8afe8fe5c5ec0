using System.Text.Json.Nodes;
using BatchGen.Core.Jobs;
using BatchGen.Core.Rendering;
using BatchGen.Diffusion.Adapters;
using BatchGen.Diffusion.Families;
using BatchGen.Diffusion.Families.StableDiffusion;
using BatchGen.Diffusion.Models;
using BatchGen.Diffusion.Rendering;
using static TorchSharp.torch;

namespace BatchGen.TorchTests.Rendering;

/// <summary>On one machine with one number of threads an image has the same bytes whatever it is rendered with, after and in.</summary>
public sealed class SameBytesTests
{
    private static readonly string[] Prompts =
    [
        "a big red circle on a blue background", "a yellow star on a purple background", "a green tree on a meadow",
        "a (white:1.3) house, (red roof), BREAK a lake", "a small blue square",
    ];

    [Theory]
    [InlineData("float32", 64, 64, 4.5)]
    [InlineData("float32", 64, 64, 1)]
    [InlineData("float32", 72, 104, 4.5)]
    [InlineData("float32", 72, 72, 1)]
    [InlineData("float32", 136, 72, 1)]
    [InlineData("float32", 256, 256, 1)]
    [InlineData("float32", 264, 280, 4.5)]
    [InlineData("bfloat16", 64, 64, 4.5)]
    [InlineData("bfloat16", 72, 104, 1)]
    public void An_image_is_the_same_in_tensor_batches_of_any_size_and_order(string type, int width, int height, double guidance)
    {
        using var renderer = Load(new DiffusionOptions { Device = "cpu", ComputeType = type });
        // Large images take long; from 256 x 256 on each has passes of its own whatever the size of the batch.
        int[] sizes = width < 256 ? [2, 3, 5, 8] : [3];
        var jobs = Enumerable.Range(0, sizes[^1]).Select(i => Job(i, width, height, guidance)).ToArray();
        var alone = jobs.Select(job => renderer.Draw(job)[0]).ToArray();

        foreach (var size in sizes)
        {
            foreach (var order in new[] { jobs, jobs.Reverse().ToArray() })
            {
                var images = order.Chunk(size).SelectMany(batch => renderer.Draw(batch)).ToDictionary(image => image.JobId);
                Assert.All(alone, image => AssertSame(image, images[image.JobId], $"tensor batches of {size}"));
            }
        }
    }

    [Fact]
    public void Every_sampler_draws_the_same_image_alone_and_in_a_batch()
    {
        using var renderer = Load(new DiffusionOptions { Device = "cpu" });
        foreach (var sampler in SamplerNames.All)
        {
            // Sides that leave a remainder wherever numbers are worked on in vectors; a rescale, which sums over each image.
            var jobs = Enumerable.Range(0, 3).Select(i => Job(i, 72, 88, 6))
                .Select(job => job with { Recipe = job.Recipe with { Sampler = sampler, GuidanceRescale = 0.7 } }).ToArray();
            var together = renderer.Draw(jobs);
            Assert.All(jobs, (job, i) => AssertSame(renderer.Draw(job)[0], together[i], sampler));
        }
    }

    [Fact]
    public void An_image_from_a_start_image_is_the_same_alone_and_in_a_batch()
    {
        using var renderer = Load(new DiffusionOptions { Device = "cpu" });
        var jobs = Enumerable.Range(0, 5).Select(i =>
        {
            var pixels = new byte[72 * 104 * 3];
            new Random(i).NextBytes(pixels);
            var job = Job(i, 72, 104, 4.5);
            return job with { Recipe = job.Recipe with { StartImagePath = "start.png", Strength = 0.6 }, StartPixels = pixels };
        }).ToArray();
        var together = renderer.Draw(jobs);

        Assert.All(jobs, (job, i) => AssertSame(renderer.Draw(job)[0], together[i], "start image"));
    }

    [Fact]
    public void An_image_with_adapters_is_the_same_in_every_fuse_mode_at_every_batch_size_and_after_other_signatures()
    {
        var pair = DemoModel.Signature(("demo-outline", 0.7m), ("demo-striped", -0.4m));
        var jobs = Enumerable.Range(0, 5).Select(i => Job(i, 64, 96, 4.5))
            .Select(job => job with { Recipe = job.Recipe with { Signature = pair } }).ToArray();
        using var plain = Load(new DiffusionOptions { Device = "cpu", FuseMode = FuseMode.Overlay });
        plain.Fuse(pair, DemoModel.Adapters, CancellationToken.None);
        var alone = jobs.Select(job => plain.Draw(job)[0]).ToArray();
        foreach (var mode in new[] { FuseMode.Overlay, FuseMode.InPlace, FuseMode.InPlaceMaster })
        {
            using var renderer = Load(new DiffusionOptions { Device = "cpu", FuseMode = mode });
            var other = DemoModel.Signature(("demo-neon", 1m));
            renderer.Fuse(other, DemoModel.Adapters, CancellationToken.None);
            renderer.Draw(DemoModel.Job(9, signature: other));
            renderer.Fuse(pair, DemoModel.Adapters, CancellationToken.None);
            var images = jobs.Reverse().Chunk(3).SelectMany(batch => renderer.Draw(batch)).ToDictionary(image => image.JobId);
            Assert.All(alone, image => AssertSame(image, images[image.JobId], mode.ToString()));
        }
    }

    [Fact]
    public void Jobs_of_another_prompt_syntax_or_noise_type_draw_what_they_say_on_the_same_worker_in_any_order()
    {
        using var renderer = Load(new DiffusionOptions { Device = "cpu", ComputeType = "bfloat16" });
        var weighted = Job(3, 64, 64, 4.5);
        var plain = weighted with { Recipe = weighted.Recipe with { PromptSyntax = RenderRecipe.PlainPrompts } };
        var rounded = weighted with { Recipe = weighted.Recipe with { NoiseType = RenderRecipe.ComputeTypeNoise } };
        ClaimedJob[] jobs = [weighted, plain, rounded];
        var first = jobs.Select(job => renderer.Draw(job)[0]).ToArray();
        var again = jobs.Reverse().Select(job => renderer.Draw(job)[0]).Reverse().ToArray();

        Assert.All(first, (image, i) => AssertSame(image, again[i], $"job {i}"));
        Assert.All(first.Skip(1), image => Assert.NotEqual(first[0].Rgb, image.Rgb));
        Assert.Equal(3, BatchShape.Group(jobs, 8).Count);
        var unknown = weighted with { Recipe = weighted.Recipe with { PromptSyntax = "other" } };
        Assert.Contains(
            "expected one of weighted, plain", Assert.Throws<Core.Failures.InvalidJobException>(() => renderer.Draw(unknown)).Message,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(8)]
    public void With_another_number_of_threads_too_an_image_is_the_same_in_any_batch_and_differs_little_from_that_of_others(int threads)
    {
        using var renderer = Load(new DiffusionOptions { Device = "cpu" });
        var jobs = Enumerable.Range(0, 5).Select(i => Job(i, 72, 104, i % 2 == 0 ? 4.5 : 1)).ToArray();
        var usual = jobs.Select(job => renderer.Draw(job)[0]).ToArray();
        var before = get_num_threads();
        set_num_threads(threads);
        try
        {
            var alone = jobs.Select(job => renderer.Draw(job)[0]).ToArray();
            var images = jobs.GroupBy(job => job.Recipe.GuidanceScale).SelectMany(group => renderer.Draw([.. group]))
                .ToDictionary(image => image.JobId);
            Assert.All(alone, image => AssertSame(image, images[image.JobId], $"{threads} threads"));
            // Promised in docs/rendering.md: one level of 255 at most on this model.
            Assert.All(alone.Zip(usual), pair => Assert.InRange(Largest(pair.First, pair.Second), 0, 1));
        }
        finally
        {
            set_num_threads(before);
        }
    }

    [Theory]
    [InlineData("sd15", ScalarType.Float32)]
    [InlineData("sd15", ScalarType.BFloat16)]
    [InlineData("sdxl", ScalarType.Float32)]
    [InlineData("sdxl", ScalarType.BFloat16)]
    public void The_network_predicts_the_same_bytes_for_a_latent_whatever_is_beside_it(string family, ScalarType type)
    {
        using var model = Wide(family, type);
        using var noGrad = no_grad();
        foreach (var (height, width) in new[] { (8L, 8L), (9L, 13L), (16L, 24L) })
        {
            using var scope = NewDisposeScope();
            var alone = Enumerable.Range(0, 8).Select(i => Predict(model, i, 1, height, width).Single()).ToArray();
            foreach (var (first, count) in new[] { (0, 2), (1, 3), (3, 5), (0, 8) })
            {
                var together = Predict(model, first, count, height, width);
                Assert.All(together, (bytes, i) =>
                    Assert.True(bytes.AsSpan().SequenceEqual(alone[first + i]), $"latent {i} of {count}, {width} x {height}"));
            }
        }
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void A_prompt_is_encoded_to_the_same_bytes_whatever_was_encoded_before(ScalarType type)
    {
        using var model = DiffusionModel.Load(DemoModel.Record, type, CPU, CancellationToken.None);
        UInt128[] Digests(IEnumerable<string> prompts)
        {
            using var encoder = new Diffusion.Text.PromptEncoder(model);
            return [.. prompts.Select(prompt => encoder.Encode(prompt, null, 0, 2).Digest())];
        }

        var together = Digests(Prompts);

        Assert.Equal(Prompts.Select(prompt => Digests([prompt])[0]), together);
        Assert.Equal(together.Reverse(), Digests(Prompts.Reverse()));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Images_share_a_pass_only_where_none_of_their_bytes_depends_on_it(int perImage)
    {
        using var scope = NewDisposeScope();
        var batch = new UNetBatch(zeros(6, 4, 8, 8), full([1], 500f), zeros(6, 77, 32), null, null, perImage);
        Assert.True(SharedPasses.Hold(batch, part => part.Latents * 3));
        // The last bit of one number, as another kernel for another number of rows would round it.
        Assert.False(SharedPasses.Hold(batch, part => part.Latents * (part.Latents.shape[0] == 6 ? 3.0000002f : 3)));
        Assert.False(SharedPasses.Hold(batch, part => part.Latents + part.Context.mean()));
    }

    private static byte[][] Predict(DiffusionModel model, int first, int count, long height, long width)
    {
        using var scope = NewDisposeScope();
        Tensor Numbers(ulong seed, params long[] shape) =>
            randn([8, .. shape], generator: new Generator(seed)).narrow(0, first, count).to(model.ComputeType);
        var pooled = model.UNet.PooledWidth > 0 ? Numbers(3, model.UNet.PooledWidth) : null;
        var sizes = model.UNet.PooledWidth > 0 ? full([count, 6], 64f) : null;
        var context = Numbers(2, 77, model.UNet.ContextWidth);
        var batch = new UNetBatch(Numbers(1, 4, height, width), full([1], 500f), context, pooled, sizes, LatentsPerImage: 1);
        var output = UNetPasses.Run(model, batch, guidance: 0);
        return [.. Enumerable.Range(0, count).Select(i => output[i].contiguous().bytes.ToArray())];
    }

    // Wide enough for the kernels that models of the real size get, and uneven, so that vectors leave remainders.
    private static DiffusionModel Wide(string family, ScalarType type)
    {
        var folder = Directory.CreateTempSubdirectory("batchgen-wide-").FullName;
        try
        {
            var path = Path.Combine(folder, "model");
            var settings = new Dictionary<string, JsonObject>(StringComparer.Ordinal)
            {
                ["text_encoder"] = StableDiffusionSettings.TextEncoder(64, 4, 1, "quick_gelu"),
                ["unet"] = family == "sdxl"
                    ? StableDiffusionSettings.UNet(
                        [96, 320], [false, true], [4, 8], [1, 2], 192, linear: true, sizeWidth: 32, pooledWidth: 128)
                    : StableDiffusionSettings.UNet([96, 320, 640], [true, true, false], [4, 8, 8], [1, 1, 1], 64, linear: false),
                ["vae"] = StableDiffusionSettings.Vae(0.18215, [32, 64], 1),
                ["scheduler"] = StableDiffusionSettings.Scheduler("DDIMScheduler", "epsilon"),
            };
            if (family == "sdxl") settings["text_encoder_2"] = StableDiffusionSettings.TextEncoder(128, 4, 3, "gelu", projection: 128);
            SyntheticModel.Write(path, FamilyRenderings.Find(family)!, settings, 5, CancellationToken.None);
            return DiffusionModel.Load(ModelInspector.Inspect(path, family), type, CPU, CancellationToken.None);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static DiffusionRenderer Load(DiffusionOptions options)
    {
        var renderer = new DiffusionRenderer(options);
        renderer.LoadModel(DemoModel.Record, CancellationToken.None);
        return renderer;
    }

    private static ClaimedJob Job(int i, int width, int height, double guidance)
    {
        var job = DemoModel.Job(i, Prompts[i % Prompts.Length], seed: 100 + i, steps: 3, guidance: guidance);
        return job with { Recipe = job.Recipe with { WidthPixels = width, HeightPixels = height } };
    }

    private static void AssertSame(RenderedImage expected, RenderedImage actual, string situation) => Assert.True(
        expected.Rgb.AsSpan().SequenceEqual(actual.Rgb),
        $"image {expected.JobId}, {situation}: {expected.Rgb.Zip(actual.Rgb).Count(pair => pair.First != pair.Second)} of "
            + $"{expected.Rgb.Length} numbers differ, by up to {Largest(expected, actual)}");

    private static int Largest(RenderedImage left, RenderedImage right) =>
        left.Rgb.Zip(right.Rgb).Max(pair => Math.Abs(pair.First - pair.Second));
}
