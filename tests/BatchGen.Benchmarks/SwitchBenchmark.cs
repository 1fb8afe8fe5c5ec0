using System.Diagnostics;
using System.Globalization;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using BatchGen.Core.Adapters;
using BatchGen.Core.Registry;
using BatchGen.Diffusion.Adapters;
using BatchGen.Diffusion.Safetensors;
using BatchGen.Diffusion.Weights;
using BatchGen.ReferenceCheck;
using BatchGen.Testing;
using TorchSharp;
using static TorchSharp.torch;

namespace BatchGen.Benchmarks;

/// <summary>Measures switching adapters: cycles on the demo model, fuse time at SD 1.5 dimensions, and the checksum, each beside its floor.</summary>
internal sealed class SwitchBenchmark(TextWriter output)
{
    private const int Repeats = 15;

    /// <summary>Runs all parts; <paramref name="cycles"/> is the number of fuse and unload cycles on the demo model.</summary>
    public int Run(int cycles)
    {
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessorCount} processors, {get_num_threads()} torch threads, .NET {Environment.Version}"));
        var passed = Cycles(cycles);
        using (var demo = BareWeights.Load(Path.Combine(RepositoryPaths.Models, "demo"), "sd15", ScalarType.Float32)) Checksum("demo model", demo);
        using (var large = SyntheticModel.AttentionOfSd15(ScalarType.Float32)) Checksum("SD 1.5 attention", large);
        SwitchAtFullSize();
        return passed ? 0 : 1;
    }

    private bool Cycles(int cycles)
    {
        using var model = BareWeights.Load(Path.Combine(RepositoryPaths.Models, "demo"), "sd15", ScalarType.Float32);
        var checksum = BaseChecksum.Take(model);
        using var cache = new AdapterCache(1L << 30);
        using var fuser = new AdapterFuser(model, cache);
        var records = DemoAdapters();
        AdapterSignature[] signatures =
        [
            .. records.Select(record => AdapterSignature.Create("demo", [new AdapterUse(record.Name, 0.8m)])),
            AdapterSignature.Create("demo", records.Take(2).Select(record => new AdapterUse(record.Name, 0.6m, 0.4m))),
            AdapterSignature.Create("demo", records.Select(record => new AdapterUse(record.Name, 0.3m))),
        ];
        var warmUp = signatures.Length * 20;
        var (mismatches, liveAtStart, liveAtEnd) = (0, 0L, 0L);
        var memory = new List<long>();
        var (fuseMs, checkMs) = (0d, 0d);
        for (var i = -warmUp; i < cycles; i++)
        {
            if (i == 0) liveAtStart = LiveTensors();
            if (i >= 0 && i % Math.Max(1, cycles / 5) == 0) memory.Add(Memory() >> 20);
            var fused = Stopwatch.GetTimestamp();
            fuser.Fuse(signatures[(i + warmUp) % signatures.Length], records, CancellationToken.None);
            fuser.Unload();
            if (i >= 0) fuseMs += Stopwatch.GetElapsedTime(fused).TotalMilliseconds;
            var check = checksum.Verify(CancellationToken.None);
            if (i >= 0) checkMs += check.ElapsedMs;
            if (!check.Passed || check.ActualDigest != checksum.Digest) mismatches++;
        }

        liveAtEnd = LiveTensors();
        memory.Add(Memory() >> 20);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"demo model, {cycles} fuse/unload cycles over {signatures.Length} signatures of {records.Length} adapters: {mismatches} digests differ; "
            + $"live tensors {liveAtStart} -> {liveAtEnd}; resident memory {string.Join(", ", memory)} MiB; "
            + $"fuse + unload {fuseMs / cycles:f2} ms, checksum of {checksum.SizeBytes >> 10} KiB in {checksum.Tensors} tensors {checkMs / cycles:f2} ms a cycle"));
        return mismatches == 0 && liveAtEnd <= liveAtStart;
    }

    private void Checksum(string name, ModelWeights model)
    {
        var checksum = BaseChecksum.Take(model);
        using var cache = new AdapterCache(1L << 30);
        using var fuser = new AdapterFuser(model, cache);
        var plain = new byte[checksum.SizeBytes];
        var at = 0;
        foreach (var weight in model.All.Where(weight => weight.Base is not null))
        {
            weight.Base!.bytes.CopyTo(plain.AsSpan(at));
            at += weight.Base.bytes.Length;
        }

        var floor = Best(() => XxHash128.HashToUInt128(plain));
        var ours = Best(() =>
        {
            fuser.Unload();
            checksum.Verify(CancellationToken.None);
        });
        var gigabytes = checksum.SizeBytes / 1e9;
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{name}, unload + checksum of {gigabytes:f3} GB in {checksum.Tensors} tensors, one core: {ours:f2} ms = {gigabytes / ours * 1000:f1} GB/s; "
            + $"floor (plain XXH128 of the same bytes) {floor:f2} ms = {gigabytes / floor * 1000:f1} GB/s; {floor / ours:P0} of the floor's rate (wanted: 70 %)"));
    }

    private void SwitchAtFullSize()
    {
        foreach (var type in new[] { ScalarType.Float32, ScalarType.BFloat16 })
        {
            using var model = SyntheticModel.AttentionOfSd15(type);
            using var cache = new AdapterCache(1L << 30);
            using var fuser = new AdapterFuser(model, cache);
            var path = Path.Combine(Path.GetTempPath(), $"batchgen-switch-{Environment.ProcessId}.safetensors");
            try
            {
                SyntheticModel.WriteLora(path, model, rank: 16);
                var record = AdapterInspector.Inspect(path).ToRecord("synthetic");
                var signature = AdapterSignature.Create("synthetic", [new AdapterUse("synthetic", 0.8m)]);
                var cold = Stopwatch.GetTimestamp();
                var first = fuser.Fuse(signature, [record], CancellationToken.None);
                var coldMs = Stopwatch.GetElapsedTime(cold).TotalMilliseconds;
                var unloadMs = double.MaxValue;
                var fuse = Best(
                    () => fuser.Fuse(signature, [record], CancellationToken.None),
                    () => unloadMs = Math.Min(unloadMs, Best(fuser.Unload, repeats: 1)));
                var moved = 2.0 * first.SizeBytes;
                var floor = CopyFloor(first.SizeBytes);
                output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"SD 1.5 attention ({first.Tensors} tensors, rank 16, {type}): first fuse with reading the file {coldMs:f0} ms; file in cache: fuse {fuse:f1} ms, "
                    + $"unload {unloadMs:f2} ms, {moved / 1e9:f2} GB moved (read base, write overlay) = {moved / fuse / 1e6:f1} GB/s; "
                    + $"floor (copy of the same bytes, {get_num_threads()} threads) {floor:f1} ms; {fuse / floor:f2} times the floor (wanted: 2); "
                    + $"diffusers + PEFT on such a machine: 230 ms, {230 / (fuse + unloadMs):f1} times ours (wanted: 3)"));
            }
            finally
            {
                File.Delete(path);
            }
        }
    }

    /// <summary>Time to copy bytes from one large buffer to another with torch's threads, both touched before.</summary>
    private static double CopyFloor(long bytes)
    {
        using var scope = NewDisposeScope();
        var from = zeros(bytes / 4, ScalarType.Float32);
        var to = zeros(bytes / 4, ScalarType.Float32);
        return Best(() => { to.copy_(from); });
    }

    private static double Best(Action action, Action? between = null, int repeats = Repeats)
    {
        var best = double.MaxValue;
        for (var i = 0; i < repeats; i++)
        {
            between?.Invoke();
            var started = Stopwatch.GetTimestamp();
            action();
            best = Math.Min(best, Stopwatch.GetElapsedTime(started).TotalMilliseconds);
        }

        return best;
    }

    private static double Best<T>(Func<T> action, Action? between = null, int repeats = Repeats) => Best(() => { _ = action(); }, between, repeats);

    private static AdapterRecord[] DemoAdapters() => Directory.EnumerateFiles(Path.Combine(RepositoryPaths.Models, "demo-adapters"), "*.safetensors")
        .Order(StringComparer.Ordinal).Select(path => AdapterInspector.Inspect(path).ToRecord(Path.GetFileNameWithoutExtension(path))).ToArray();

    private static long LiveTensors() => DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount;

    private static long Memory()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        using var process = Process.GetCurrentProcess();
        return process.WorkingSet64;
    }
}
