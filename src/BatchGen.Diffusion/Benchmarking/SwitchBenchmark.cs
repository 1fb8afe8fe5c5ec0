using System.Globalization;
using System.IO.Hashing;
using BatchGen.Core.Adapters;
using BatchGen.Core.Rendering;
using BatchGen.Diffusion.Adapters;
using BatchGen.Diffusion.Rendering;
using BatchGen.Diffusion.Weights;
using static TorchSharp.torch;

namespace BatchGen.Diffusion.Benchmarking;

/// <summary>
/// Measures switching adapters at the dimensions of SD 1.5 on the processor: fuse, unload and checksum, each beside its floor.
/// </summary>
/// <param name="report">Called with each line of the result.</param>
public sealed class SwitchBenchmark(Action<string> report)
{
    /// <value>How often each thing is measured; the best time counts; 15.</value>
    public int Repeats { get; init; } = 15;

    /// <summary>Runs all parts.</summary>
    /// <param name="rank">Rank of the adapters.</param>
    /// <param name="peer">What another program needed for load, fuse, unfuse and unload of such an adapter, measured on this machine; null
    /// when none was measured.</param>
    /// <param name="cancellationToken">Stops between measurements.</param>
    public void Run(int rank, PeerMeasurement? peer, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(rank, 1);
        // As in a worker: the renderer's settings are made first.
        _ = ComputeDevice.Choose(new DiffusionOptions { Device = "cpu", ComputeType = "float32" });
        using var noGrad = no_grad();
        Line($"{Measure.Host()}");
        var folder = Directory.CreateTempSubdirectory("batchgen-switch-");
        try
        {
            foreach (var type in new[] { ScalarType.Float32, ScalarType.BFloat16 })
            {
                using var model = AttentionWeights.OfSd15(type);
                // In place from the master needs the model's file, which random weights do not have.
                foreach (var mode in new[] { FuseMode.Overlay, FuseMode.InPlace })
                    Switch(model, mode, type, rank, peer, folder.FullName, cancellationToken);

                Checksum(model, type, cancellationToken);
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    // Two adapters in turn, as at a change of signature; both files are in the cache, as after the prefetch of the next batch.
    private void Switch(
        ModelWeights model, FuseMode mode, ScalarType type, int rank, PeerMeasurement? peer, string folder,
        CancellationToken cancellationToken)
    {
        using var cache = new AdapterCache(1L << 30);
        using var fuser = new AdapterFuser(model, cache, mode);
        string[] names = ["one", "two"];
        var records = names.Select((name, i) =>
        {
            var path = Path.Combine(folder, $"{type}-{mode}-{name}.safetensors");
            AttentionWeights.WriteLora(path, model, rank, seed: i + 2);
            return AdapterInspector.Inspect(path).ToRecord(name);
        }).ToArray();
        var signatures = names.Select(name => AdapterSignature.Create("synthetic", [new AdapterUse(name, 0.8m)])).ToArray();
        FuseReport fused = null!;
        var cold = Measure.Best(1, () => fused = fuser.Fuse(signatures[0], [records[0]], cancellationToken));
        var (turn, unload) = (0, double.MaxValue);
        var fuse = Measure.Best(
            Repeats * 2,
            () => fuser.Fuse(signatures[turn % 2], [records[turn % 2]], cancellationToken),
            () =>
            {
                unload = Math.Min(unload, Measure.Best(1, fuser.Unload));
                turn++;
            });
        fuser.Unload();
        var floor = Measure.CopySeconds(fused.SizeBytes);
        var operations = model.All.Sum(weight => 2.0 * rank * weight.Base!.numel());
        var arithmetic = operations / Measure.MatrixRate(ScalarType.Float32);
        var moved = 2.0 * fused.SizeBytes;
        Line($"{type}, {mode.ToCode()}, {fused.Tensors} projections, rank {rank}: first fuse with reading the file {cold * 1000:f0} ms;");
        Line($"  file in cache: fuse {fuse * 1000:f1} ms, unload {unload * 1000:f2} ms");
        Line($"  {moved / 1e9:f2} GB moved (read base, write fused) = {moved / fuse / 1e9:f1} GB/s");
        Line($"  floor (copy of the same bytes) {floor * 1000:f1} ms; {fuse / floor:f2} times the floor (wanted: at most 2)");
        Line($"  {operations / 1e9:f1} GFLOP of products of rank {rank}, {arithmetic * 1000:f1} ms at the rate of large products");
        Line($"  {fuse / (floor + arithmetic):f2} times both floors together");
        Line($"  host cache: {cache.Hits} hits, {cache.Misses} misses, hit rate {(double)cache.Hits / (cache.Hits + cache.Misses):p0}");
        if (peer is null) Line($"  other programs were not measured in this run");
        else Line(
            $"  {peer.Name}: {peer.Milliseconds:f0} ms, {peer.Milliseconds / 1000 / (fuse + unload):f1} times ours (wanted: at least 3)");
    }

    private void Checksum(ModelWeights model, ScalarType type, CancellationToken cancellationToken)
    {
        var checksum = BaseChecksum.Take(model);
        var plain = new byte[checksum.SizeBytes];
        var at = 0;
        foreach (var weight in model.All.Where(weight => weight.Base is not null))
        {
            weight.Base!.bytes.CopyTo(plain.AsSpan(at));
            at += weight.Base.bytes.Length;
        }

        var floor = Measure.Best(Repeats, () => XxHash128.HashToUInt128(plain));
        var ours = Measure.Best(Repeats, () => checksum.Verify(cancellationToken));
        var gigabytes = checksum.SizeBytes / 1e9;
        var (rate, floorRate) = (gigabytes / ours, gigabytes / floor);
        Line($"{type}, checksum of {gigabytes:f3} GB in {checksum.Tensors} tensors, one core: {ours * 1000:f2} ms = {rate:f1} GB/s");
        Line($"  floor (XXH128 over the same bytes at once) {floor * 1000:f2} ms = {floorRate:f1} GB/s; {floor / ours:p0} of its rate");
    }

    private void Line(FormattableString text) => report(text.ToString(CultureInfo.InvariantCulture));
}

/// <summary>What another program needed for the same work on the same machine.</summary>
/// <param name="Name">The program with its version.</param>
/// <param name="Milliseconds">Time for load, fuse, unfuse and unload of one adapter, as measured.</param>
public sealed record PeerMeasurement(string Name, double Milliseconds);
