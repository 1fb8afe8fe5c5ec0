using BatchGen.Testing;
using BatchGen.Core.Failures;
using BatchGen.Core.Rendering;
using BatchGen.Diffusion.Rendering;
using BatchGen.Diffusion.Weights;
using TorchSharp;

namespace BatchGen.TorchTests.Rendering;

public sealed class DiffusionRendererTests : IDisposable
{
    private readonly DiffusionRenderer _renderer = DemoModel.Renderer();

    public DiffusionRendererTests() => _renderer.LoadModel(DemoModel.Record, CancellationToken.None);

    public void Dispose() => _renderer.Dispose();

    [Fact]
    public void Loading_the_model_that_is_loaded_does_nothing()
    {
        var report = _renderer.LoadModel(DemoModel.Record, CancellationToken.None);

        Assert.Equal(0, report.ElapsedMs);
        Assert.Equal("demo", _renderer.LoadedModel);
        Assert.Equal("float32", _renderer.Device.ComputeType);
    }

    [Theory]
    [InlineData("ddim")]
    [InlineData("euler")]
    public void The_same_recipe_gives_the_same_bytes(string sampler)
    {
        var first = _renderer.Draw(DemoModel.Job(1, sampler: sampler))[0];
        var second = _renderer.Draw(DemoModel.Job(1, sampler: sampler))[0];

        Assert.Equal(first.Rgb, second.Rgb);
        Assert.Equal(64 * 64 * 3, first.Rgb.Length);
        Assert.True(first.Rgb.Distinct().Count() > 20, "the image is all but one colour");
    }

    [Fact]
    public void Adapters_change_the_image_and_unloading_gives_the_old_one_back()
    {
        var before = _renderer.Draw(DemoModel.Job(1))[0];
        var signature = DemoModel.Signature(("demo-neon", 0.8m), ("demo-outline", 0.5m));
        var report = _renderer.Fuse(signature, DemoModel.Adapters, CancellationToken.None);
        var styled = _renderer.Draw(DemoModel.Job(1, signature: signature))[0];
        _renderer.Unload();
        var check = _renderer.VerifyWeights(CancellationToken.None);
        var after = _renderer.Draw(DemoModel.Job(1))[0];

        Assert.Equal(2, report.Adapters);
        Assert.Empty(report.UnmatchedKeys);
        Assert.NotEqual(before.Rgb, styled.Rgb);
        Assert.True(check.Passed);
        Assert.Equal(before.Rgb, after.Rgb);
    }

    [Fact]
    public void A_job_with_other_adapters_than_those_fused_is_not_drawn()
    {
        Assert.Throws<InvalidOperationException>(() => _renderer.Draw(DemoModel.Job(1, signature: DemoModel.Signature(("demo-neon", 1m)))));
    }

    [Fact]
    public void An_adapter_that_fails_leaves_nothing_fused()
    {
        var before = _renderer.Draw(DemoModel.Job(1))[0];

        Assert.Throws<AdapterException>(
            () => _renderer.Fuse(DemoModel.Signature(("demo-neon", 1m), ("demo-missing", 1m)), DemoModel.Adapters, CancellationToken.None));

        Assert.Equal(before.Rgb, _renderer.Draw(DemoModel.Job(1))[0].Rgb);
        Assert.True(_renderer.VerifyWeights(CancellationToken.None).Passed);
    }

    [Fact]
    public void A_flipped_bit_is_found_named_and_cured()
    {
        var before = _renderer.Draw(DemoModel.Job(1))[0];
        var weight = _renderer.Weights!.All.First(candidate => candidate.Key == "conv_in.weight");
        WeightFault.FlipBit(weight.Base!, 30);
        var damaged = _renderer.VerifyWeights(CancellationToken.None);
        var reload = _renderer.ReloadFromMaster(damaged.DriftedTensors, CancellationToken.None);
        var cured = _renderer.VerifyWeights(CancellationToken.None);

        Assert.False(damaged.Passed);
        Assert.Equal(["unet/conv_in.weight"], damaged.DriftedTensors);
        Assert.Equal(1, reload.Tensors);
        Assert.True(cured.Passed);
        Assert.Equal(before.Rgb, _renderer.Draw(DemoModel.Job(1))[0].Rgb);
    }

    [Fact]
    public void A_model_that_was_damaged_while_it_was_loaded_passes_again_after_all_of_it_was_reloaded()
    {
        var sound = _renderer.VerifyWeights(CancellationToken.None);
        WeightFault.FlipBit(_renderer.Weights!.All.First(candidate => candidate.Key == "conv_in.weight").Base!, 30);
        _renderer.TakeBaseline();

        _renderer.ReloadFromMaster([], CancellationToken.None);

        var cured = _renderer.VerifyWeights(CancellationToken.None);
        Assert.True(cured.Passed);
        Assert.Equal(sound.ActualDigest, cured.ExpectedDigest);
    }

    [Fact]
    public void An_image_with_numbers_that_are_not_finite_fails_the_attempt()
    {
        using (torch.no_grad())
        {
            _renderer.Weights!.All.First(
                candidate => candidate.Key == "conv_out.bias" && candidate.Component == "unet").Base!.fill_(float.NaN);
        }

        var error = Assert.Throws<GenerationException>(() => _renderer.Draw(DemoModel.Job(1)));

        Assert.False(error.OutOfMemory);
        Assert.Contains("job 1", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_image_black_all_over_fails_the_attempt_and_a_dark_one_does_not()
    {
        DecodeEverythingTo(-3);
        var error = Assert.Throws<GenerationException>(() => _renderer.Draw(DemoModel.Job(1)));
        // Three of 255: what a prompt of darkness gives at most.
        DecodeEverythingTo(-0.98f);
        var dark = _renderer.Draw(DemoModel.Job(1))[0];

        Assert.False(error.OutOfMemory);
        Assert.Contains("job 1", error.Message, StringComparison.Ordinal);
        Assert.Contains("black", error.Message, StringComparison.Ordinal);
        Assert.All(dark.Rgb, value => Assert.Equal(3, value));
    }

    [Fact]
    public void Rendering_leaves_no_tensor_behind()
    {
        var signature = DemoModel.Signature(("demo-pixel", 1m));
        void Round()
        {
            _renderer.Fuse(signature, DemoModel.Adapters, CancellationToken.None);
            _renderer.Draw(DemoModel.Job(1, signature: signature), DemoModel.Job(2, seed: 5, signature: signature));
            _renderer.Unload();
            _renderer.VerifyWeights(CancellationToken.None);
        }

        Round();
        var before = DemoModel.SettledTensors();
        for (var i = 0; i < 3; i++) Round();

        Assert.Equal(before, DemoModel.LiveTensors());
    }

    [Fact]
    public void Cancelling_stops_between_steps()
    {
        using var source = new CancellationTokenSource();
        var steps = 0;
        var progress = new Callback(value =>
        {
            steps = value.Step;
            if (value.Step == 2) source.Cancel();
        });

        Assert.Throws<OperationCanceledException>(() => _renderer.Render([DemoModel.Job(1, steps: 20)], progress, source.Token));
        Assert.Equal(2, steps);
    }

    [Fact]
    public void Prefetched_adapters_are_fused_from_memory()
    {
        var path = Path.Combine(Path.GetTempPath(), $"batchgen-prefetch-{Guid.NewGuid():N}.safetensors");
        File.Copy(DemoModel.Adapters[0].Path, path);
        var record = DemoModel.Adapters[0] with { Name = "copy", Path = path };
        var signature = DemoModel.Signature(("copy", 1m), ("absent", 1m));
        _renderer.Prefetch(signature, [record], CancellationToken.None);
        // Same content and time: the cache knows it by path and hash.
        var report = _renderer.Fuse(DemoModel.Signature(("copy", 1m)), [record], CancellationToken.None);
        File.Delete(path);

        Assert.Equal(1, report.Adapters);
    }

    [Theory]
    [InlineData("nonsense", 4, 4.5, "not known")]
    [InlineData("ddim", 0, 4.5, "at least 1")]
    [InlineData("ddim", 10_000, 4.5, "trained with")]
    [InlineData("ddim", 4, double.NaN, "not a finite number")]
    public void A_recipe_that_can_never_work_is_refused(string sampler, int steps, double guidance, string expected)
    {
        var error = Assert.Throws<InvalidJobException>(
            () => _renderer.Draw(DemoModel.Job(1, sampler: sampler, steps: steps, guidance: guidance)));

        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_size_that_is_no_multiple_of_the_latents_is_refused()
    {
        Assert.Throws<InvalidJobException>(() => _renderer.Draw(DemoModel.Job(1, size: 65)));
    }

    [Fact]
    public void An_empty_prompt_and_one_longer_than_the_encoder_are_legal()
    {
        var images = _renderer.Draw(DemoModel.Job(1, ""), DemoModel.Job(2, string.Join(' ', Enumerable.Repeat("circle", 300))));

        Assert.Equal(2, images.Count);
    }

    [Theory]
    [InlineData("ddim")]
    [InlineData("pndm")]
    [InlineData("heun")]
    [InlineData("dpmpp_2m_karras")]
    [InlineData("dpmpp_2s")]
    [InlineData("unipc")]
    public void A_little_strength_keeps_the_start_image_and_much_draws_another(string sampler)
    {
        var start = _renderer.Draw(DemoModel.Job(1, "a big red circle on a blue background", 1, steps: 20))[0];
        RenderedImage From(double strength, string prompt)
        {
            var job = DemoModel.Job(2, prompt, 2, steps: 20, sampler: sampler);
            return _renderer.Draw(
                job with { Recipe = job.Recipe with { StartImagePath = "start.png", Strength = strength }, StartPixels = start.Rgb })[0];
        }

        // The prompt that fits the image changes it little; at full strength another prompt replaces it.
        var (near, far) = (From(0.1, "a big red circle on a blue background"), From(1, "a yellow star on a purple background"));
        double Distance(RenderedImage image) => image.Rgb.Zip(start.Rgb).Average(pair => Math.Abs(pair.First - pair.Second));

        Assert.True(Distance(near) < 12, $"{Distance(near)}");
        Assert.True(Distance(far) > 40, $"{Distance(far)}");
        Assert.Equal(near.Rgb, From(0.1, "a big red circle on a blue background").Rgb);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1.5)]
    [InlineData(double.NaN)]
    [InlineData(0.01)]
    public void A_strength_that_leaves_no_step_or_is_out_of_range_is_refused(double strength)
    {
        var job = DemoModel.Job(2, steps: 20);
        Assert.Throws<InvalidJobException>(() => _renderer.Draw(job with
        {
            Recipe = job.Recipe with { StartImagePath = "start.png", Strength = strength },
            StartPixels = new byte[64 * 64 * 3],
        }));
    }

    [Fact]
    public void A_start_image_of_another_size_is_refused()
    {
        var job = DemoModel.Job(2, steps: 20);
        Assert.Throws<InvalidJobException>(
            () => _renderer.Draw(job with { Recipe = job.Recipe with { StartImagePath = "start.png" }, StartPixels = new byte[10] }));
    }

    [Fact]
    public void Every_sampler_draws_the_same_image_twice_and_a_recognisable_one()
    {
        foreach (var sampler in SamplerNames.All)
        {
            var job = DemoModel.Job(1, steps: 20, sampler: sampler, guidance: sampler == "lcm" ? 1.5 : 4.5);
            var image = _renderer.Draw(job)[0];

            Assert.Equal(image.Rgb, _renderer.Draw(job)[0].Rgb);
            // A big red circle on blue: the middle is red, the corner blue, whatever path led there. (LCM is for distilled models, which
            // this is not.)
            if (sampler == "lcm") continue;
            var (middle, corner) = (image.Rgb[((32 * 64 + 32) * 3)..], image.Rgb);
            Assert.True(middle[0] > middle[2] + 50 && corner[2] > corner[0] + 50,
                $"{sampler}: middle {middle[0]} {middle[1]} {middle[2]}, corner {corner[0]} {corner[1]} {corner[2]}");
        }

    }

    [Fact]
    public void Float16_on_a_processor_is_refused()
    {
        Assert.Throws<InvalidOperationException>(
            () => new DiffusionRenderer(new DiffusionOptions { Device = "cpu", ComputeType = "float16" }));
    }

    [Fact]
    public void Bfloat16_draws_about_the_same_image()
    {
        using var half = new DiffusionRenderer(new DiffusionOptions { Device = "cpu", ComputeType = "bfloat16" });
        half.LoadModel(DemoModel.Record, CancellationToken.None);
        var exact = _renderer.Draw(DemoModel.Job(1, steps: 20))[0];
        var rounded = half.Draw(DemoModel.Job(1, steps: 20))[0];
        var squares = exact.Rgb.Zip(rounded.Rgb).Average(pair => Math.Pow(pair.First - pair.Second, 2));

        // Eight binary digits for every number: small differences are expected, another image is not (25 dB).
        Assert.True(squares < 200, $"mean squared difference {squares}");
    }

    [Fact]
    public void A_master_file_that_changed_is_refused()
    {
        using var copy = new ModelCopy(DemoModel.Path);
        var record = BatchGen.Diffusion.Models.ModelInspector.Inspect(copy.Path, "copy");
        var file = Path.Combine(copy.Path, "unet", "diffusion_pytorch_model.safetensors");
        var bytes = File.ReadAllBytes(file);
        bytes[^1] ^= 1;
        File.WriteAllBytes(file, bytes);

        var error = Assert.Throws<ModelException>(() => _renderer.LoadModel(record, CancellationToken.None));

        Assert.Contains("changed since it was registered", error.Message, StringComparison.Ordinal);
        Assert.Equal("demo", _renderer.LoadedModel);
    }

    private void DecodeEverythingTo(float value)
    {
        using var noGrad = torch.no_grad();
        var vae = _renderer.Weights!.All.Where(weight => weight.Component == "vae")
            .ToDictionary(weight => weight.Key, weight => weight.Base);
        vae["decoder.conv_out.weight"]!.zero_();
        vae["decoder.conv_out.bias"]!.fill_(value);
    }

    private sealed class Callback(Action<StepProgress> report) : IProgress<StepProgress>
    {
        public void Report(StepProgress value) => report(value);
    }
}
