using BatchGen.Core.Adapters;
using BatchGen.Core.Failures;
using BatchGen.Core.Registry;
using BatchGen.Diffusion.Adapters;
using BatchGen.Diffusion.Models;
using BatchGen.Diffusion.Rendering;
using BatchGen.Diffusion.Safetensors;

namespace BatchGen.TorchTests.Adapters;

public sealed class FuseCycleTests : IDisposable
{
    private readonly DiffusionRenderer _renderer = DemoModel.Renderer();
    private readonly string _folder = Directory.CreateTempSubdirectory("batchgen-adapters-").FullName;

    public FuseCycleTests() => _renderer.LoadModel(DemoModel.Record, CancellationToken.None);

    public void Dispose()
    {
        _renderer.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void Hundreds_of_fuses_and_unloads_change_no_bit_of_the_base_and_leave_no_tensor_behind()
    {
        AdapterSignature[] signatures =
        [
            DemoModel.Signature(("demo-neon", 0.8m)),
            DemoModel.Signature(("demo-outline", 1m), ("demo-pixel", -0.5m)),
            DemoModel.Signature(("demo-neon", 0.3m), ("demo-outline", 0.3m), ("demo-pixel", 0.3m), ("demo-striped", 0.3m)),
            DemoModel.Signature(),
        ];
        foreach (var signature in signatures) _renderer.Fuse(signature, DemoModel.Adapters, CancellationToken.None);
        _renderer.Unload();
        var digest = _renderer.VerifyWeights(CancellationToken.None).ActualDigest;
        var live = DemoModel.SettledTensors();

        for (var i = 0; i < 200; i++)
        {
            _renderer.Fuse(signatures[i % signatures.Length], DemoModel.Adapters, CancellationToken.None);
            _renderer.Unload();
            var check = _renderer.VerifyWeights(CancellationToken.None);
            Assert.True(check.Passed);
            Assert.Equal(digest, check.ActualDigest);
        }

        Assert.Equal(live, DemoModel.LiveTensors());
    }

    [Fact]
    public void The_overlay_is_on_while_fused_and_the_base_is_not_touched()
    {
        _renderer.Fuse(DemoModel.Signature(("demo-neon", 1m)), DemoModel.Adapters, CancellationToken.None);

        Assert.Contains(_renderer.Weights!.All, weight => weight.Overlay is not null);
        Assert.True(_renderer.VerifyWeights(CancellationToken.None).Passed);
    }

    [Fact]
    public void An_adapter_with_a_number_that_is_not_finite_is_refused()
    {
        var path = Path.Combine(_folder, "nan.safetensors");
        using (var source = SafetensorsFile.Open(DemoModel.Adapters[0].Path))
        {
            var first = true;
            SafetensorsWriter.Write(path, source.Entries.Select(entry =>
            {
                var bytes = source.Bytes(entry).ToArray();
                // 0x7e00 is a not-a-number in float16.
                if (first && entry.Type == SafetensorsType.F16) (bytes[0], bytes[1], first) = (0x00, 0x7e, false);
                return new SafetensorsItem(entry.Name, entry.Type, entry.Shape, bytes);
            }).ToArray());
        }

        var error = Assert.Throws<AdapterException>(() => Fuse(path));

        Assert.Contains("finite", error.Message, StringComparison.OrdinalIgnoreCase);
        Assert.True(_renderer.VerifyWeights(CancellationToken.None).Passed);
    }

    [Fact]
    public void An_adapter_that_changed_since_it_was_registered_is_refused()
    {
        var path = Path.Combine(_folder, "changed.safetensors");
        File.Copy(DemoModel.Adapters[0].Path, path);
        var record = DemoModel.Adapters[0] with { Name = "changed", Path = path };
        var bytes = File.ReadAllBytes(path);
        bytes[^1] ^= 1;
        File.WriteAllBytes(path, bytes);

        var error = Assert.Throws<AdapterException>(
            () => _renderer.Fuse(DemoModel.Signature(("changed", 1m)), [record], CancellationToken.None));

        Assert.Contains("changed since it was registered", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_adapter_for_another_family_is_refused_at_the_fuse()
    {
        // The only model of another width at hand is the reference one; its adapters read texts of width 32, the demo model's are 64 wide.
        var path = Path.Combine(BatchGen.Testing.RepositoryPaths.Reference, "lora", "tiny-sd15", "kohya_linear.safetensors");

        var error = Assert.Throws<AdapterException>(() => Fuse(path));

        Assert.Contains("another", error.Message, StringComparison.Ordinal);
    }

    private void Fuse(string path)
    {
        AdapterRecord record = AdapterInspector.Inspect(path).ToRecord("other");
        _renderer.Fuse(DemoModel.Signature(("other", 1m)), [record], CancellationToken.None);
    }
}
