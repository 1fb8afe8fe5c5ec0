using BatchGen.Core.Registry;
using BatchGen.Diffusion.Adapters;
using BatchGen.Diffusion.Models;
using BatchGen.Diffusion.Safetensors;
using BatchGen.Diffusion.Weights;
using BatchGen.Testing;
using TorchSharp;
using static TorchSharp.torch;

namespace BatchGen.TorchTests.Weights;

/// <summary>Random bit flips everywhere a bad memory or disk could put them: each is found, none is missed.</summary>
public sealed class FaultInjectionTests
{
    private const int Trials = 10_000;

    [Fact]
    public void No_random_bit_flip_goes_unseen()
    {
        var random = new Random(20261125);
        using var cache = new AdapterCache(1L << 30);
        using var model = DiffusionModel.Load(DemoModel.Record, ScalarType.Float16, CPU, CancellationToken.None);
        using var fuser = new AdapterFuser(model.Weights, cache);
        var checksum = BaseChecksum.Take(model.Weights);
        var weights = model.Weights.All.Where(weight => weight.Base is not null).ToArray();
        fuser.Fuse(DemoModel.Signature(("demo-outline", 1m), ("demo-neon", 1m)), DemoModel.Adapters, CancellationToken.None);
        fuser.TakeDigests();
        var record = DemoModel.Adapters[0];
        var missed = 0;
        for (var trial = 0; trial < Trials; trial++)
        {
            // 1. The base: the checksum names the tensor. The bit is flipped back, which leaves no trace.
            // 2. A fused tensor. 3. A factor in the host cache.
            switch (trial % 3)
            {
                case 0:
                    var weight = weights[random.Next(weights.Length)];
                    var bit = Flip(weight.Base!, random);
                    if (checksum.Verify(CancellationToken.None).DriftedTensors is not [var named] || named != weight.Name) missed++;
                    WeightFault.FlipBit(weight.Base!, bit);
                    break;
                case 1:
                    var fused = fuser.Fused[random.Next(fuser.Fused.Count)];
                    bit = Flip(fused.Value, random);
                    if (fuser.FindDamaged() is not [var damaged] || damaged != fused.Name) missed++;
                    WeightFault.FlipBit(fused.Value, bit);
                    break;
                default:
                    var adapter = cache.Rent(record);
                    var factors = adapter.Factors.ToArray();
                    Flip(factors[random.Next(factors.Length)], random);
                    cache.Return(adapter);
                    var again = cache.Rent(record);
                    if (ReferenceEquals(again, adapter) || !again.IsIntact()) missed++;
                    cache.Return(again);
                    break;
            }
        }

        Assert.Equal(0, missed);
        Assert.True(checksum.Verify(CancellationToken.None).Passed);
        Assert.Empty(fuser.FindDamaged());
    }

    [Fact]
    public void No_random_bit_flip_in_a_master_file_goes_unseen()
    {
        using var copy = new ModelCopy(DemoModel.Path);
        var record = ModelInspector.Inspect(copy.Path, "copy");
        var random = new Random(7);
        foreach (var master in record.Files)
        {
            var path = copy.Combine(master.RelativePath);
            var bytes = File.ReadAllBytes(path);
            for (var trial = 0; trial < 5; trial++)
            {
                var bit = random.NextInt64(bytes.LongLength * 8);
                bytes[bit / 8] ^= (byte)(1 << (int)(bit % 8));
                File.WriteAllBytes(path, bytes);
                Assert.NotEqual(master.Sha256, SafetensorsFile.HashFile(path));
                bytes[bit / 8] ^= (byte)(1 << (int)(bit % 8));
            }
        }
    }

    private static long Flip(Tensor tensor, Random random)
    {
        var bit = random.NextInt64(tensor.numel() * tensor.element_size() * 8);
        WeightFault.FlipBit(tensor, bit);
        return bit;
    }
}
