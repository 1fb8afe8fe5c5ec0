using BatchGen.Core.Adapters;
using BatchGen.Core.Failures;
using BatchGen.Core.Registry;
using BatchGen.Diffusion.Adapters;
using BatchGen.Diffusion.Models;
using BatchGen.Diffusion.Rendering;
using BatchGen.Diffusion.Weights;
using BatchGen.Testing;
using TorchSharp;
using static TorchSharp.torch;

namespace BatchGen.TorchTests.Adapters;

/// <summary>All ways of keeping fused weights compute the same numbers and give the base back byte for byte.</summary>
public sealed class FuseModeTests
{
    private static readonly AdapterSignature Pair = DemoModel.Signature(("demo-outline", 0.7m), ("demo-striped", -0.4m));

    [Theory]
    [InlineData(FuseMode.InPlace, ScalarType.Float32)]
    [InlineData(FuseMode.InPlaceMaster, ScalarType.Float32)]
    [InlineData(FuseMode.InPlace, ScalarType.Float16)]
    [InlineData(FuseMode.InPlaceMaster, ScalarType.Float16)]
    [InlineData(FuseMode.InPlace, ScalarType.BFloat16)]
    public void In_place_computes_the_same_bytes_as_the_overlay_and_puts_the_base_back(FuseMode mode, ScalarType type)
    {
        using var cache = new AdapterCache(1L << 30);
        using var overlaid = Load(type);
        using var overlay = new AdapterFuser(overlaid.Weights, cache);
        overlay.Fuse(Pair, DemoModel.Adapters, CancellationToken.None);
        overlay.TakeDigests();

        using var model = Load(type);
        using var fuser = new AdapterFuser(model.Weights, cache, mode);
        var checksum = BaseChecksum.Take(model.Weights);
        var report = fuser.Fuse(Pair, DemoModel.Adapters, CancellationToken.None);
        Assert.Equal(overlay.Fused.Count, report.Tensors);
        foreach (var (left, right) in overlay.Fused.Zip(fuser.Fused))
            Assert.Equal(BaseChecksum.Hash(left.Value), BaseChecksum.Hash(right.Value));
        Assert.False(checksum.Verify(CancellationToken.None).Passed, "the base is written over while adapters are fused");
        fuser.Unload();
        Assert.True(checksum.Verify(CancellationToken.None).Passed);
        Assert.True(overlay.FindDamaged().Count == 0);
    }

    [Theory]
    [InlineData(FuseMode.Auto)]
    [InlineData(FuseMode.Overlay)]
    [InlineData(FuseMode.InPlace)]
    [InlineData(FuseMode.InPlaceMaster)]
    public void Every_fuse_mode_of_the_settings_draws_the_same_image_and_gives_the_base_back(FuseMode mode)
    {
        using var renderer = new DiffusionRenderer(new DiffusionOptions { Device = "cpu", FuseMode = mode });
        renderer.LoadModel(DemoModel.Record, CancellationToken.None);
        var plain = renderer.Draw(DemoModel.Job(1))[0].Rgb;
        renderer.Fuse(Pair, DemoModel.Adapters, CancellationToken.None);
        Assert.Equal(mode is FuseMode.InPlace or FuseMode.InPlaceMaster, renderer.WritesBaseWhileFused);
        var styled = renderer.Draw(DemoModel.Job(1, signature: Pair))[0].Rgb;
        renderer.Unload();

        Assert.True(renderer.VerifyWeights(CancellationToken.None).Passed);
        Assert.Equal(plain, renderer.Draw(DemoModel.Job(1))[0].Rgb);
        using var overlay = DemoModel.Renderer();
        overlay.LoadModel(DemoModel.Record, CancellationToken.None);
        overlay.Fuse(Pair, DemoModel.Adapters, CancellationToken.None);
        Assert.Equal(overlay.Draw(DemoModel.Job(1, signature: Pair))[0].Rgb, styled);
    }

    [Fact]
    public void Many_cycles_in_place_leave_every_bit_and_no_tensors_behind()
    {
        using var cache = new AdapterCache(1L << 30);
        using var model = Load(ScalarType.Float16);
        using var fuser = new AdapterFuser(model.Weights, cache, FuseMode.InPlace);
        var checksum = BaseChecksum.Take(model.Weights);
        var live = 0L;
        for (var i = 0; i < 100; i++)
        {
            fuser.Fuse(Pair, DemoModel.Adapters, CancellationToken.None);
            fuser.Unload();
            Assert.True(checksum.Verify(CancellationToken.None).Passed);
            if (i == 2) live = DemoModel.SettledTensors();
        }

        Assert.Equal(live, DemoModel.SettledTensors());
    }

    [Fact]
    public void An_adapter_that_would_overflow_is_refused_before_the_first_byte_is_written_over()
    {
        using var cache = new AdapterCache(1L << 30);
        using var model = Load(ScalarType.Float16);
        using var fuser = new AdapterFuser(model.Weights, cache, FuseMode.InPlace);
        var checksum = BaseChecksum.Take(model.Weights);
        var signature = AdapterSignature.Create("demo", [new AdapterUse("demo-outline", 1_000_000_000m)]);
        Assert.Throws<AdapterException>(() => fuser.Fuse(signature, DemoModel.Adapters, CancellationToken.None));
        Assert.Empty(fuser.Fused);
        Assert.True(checksum.Verify(CancellationToken.None).Passed);
    }

    [Fact]
    public void A_fused_tensor_that_changes_while_it_is_in_use_is_named()
    {
        using var cache = new AdapterCache(1L << 30);
        using var model = Load(ScalarType.Float32);
        using var fuser = new AdapterFuser(model.Weights, cache);
        fuser.Fuse(Pair, DemoModel.Adapters, CancellationToken.None);
        fuser.TakeDigests();
        Assert.Empty(fuser.FindDamaged());
        WeightFault.FlipBit(fuser.Fused[3].Value, 5);
        Assert.Equal([fuser.Fused[3].Name], fuser.FindDamaged());
    }

    [Fact]
    public void A_cached_factor_that_changed_in_memory_is_read_from_its_file_again_before_use()
    {
        using var cache = new AdapterCache(1L << 30);
        var record = DemoModel.Adapters[0];
        var first = cache.Rent(record);
        WeightFault.FlipBit(first.Factors.First(), 17);
        cache.Return(first);
        var second = cache.Rent(record);
        Assert.NotSame(first, second);
        Assert.True(second.IsIntact());
        Assert.Equal(1, cache.Repairs);
        cache.Return(second);
    }

    private static DiffusionModel Load(ScalarType type) => DiffusionModel.Load(DemoModel.Record, type, CPU, CancellationToken.None);
}
