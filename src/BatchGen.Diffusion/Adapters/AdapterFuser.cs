using System.Diagnostics;
using System.IO.Hashing;
using BatchGen.Core.Adapters;
using BatchGen.Core.Failures;
using BatchGen.Core.Registry;
using BatchGen.Core.Rendering;
using BatchGen.Diffusion.Adapters.Deltas;
using BatchGen.Diffusion.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace BatchGen.Diffusion.Adapters;

/// <summary>A learned word that came with a fused adapter.</summary>
/// <param name="Adapter">Name of the adapter.</param>
/// <param name="Key">What the file says of it.</param>
/// <param name="Vectors">[v, D] float32.</param>
internal sealed record FusedEmbedding(string Adapter, EmbeddingKey Key, Tensor Vectors);

/// <summary>Fuses the adapters of a signature into a model's weights, and unloads them again.</summary>
/// <remarks>
/// Each touched weight gets one new tensor, <c>cast(float32(base) + sum of strength * delta)</c>, summed in float32 in signature order and
/// rounded once. All overlays are made and checked before the first is put on, so an error leaves the model as it was. The base is never
/// lost: an overlay leaves it alone; in the modes for small memory the same numbers are written over it after all of them were checked, and
/// unloading puts exactly the old bytes back, saved before or read from the master again. The checksum after every batch checks this.
/// Belongs to the thread that owns the device.
/// </remarks>
internal sealed class AdapterFuser : IDisposable
{
    private readonly AdapterCache _cache;
    private readonly ModuleMap _modules;
    private readonly OverlayBuffers _buffers;
    private readonly List<Weight> _fused = [];
    private readonly List<FusedEmbedding> _embeddings = [];
    private readonly List<TensorReading> _readings = [];
    private readonly List<UInt128> _digests = [];
    private OriginalBytes? _originals;

    /// <param name="model">The model on the device.</param>
    /// <param name="cache">Where adapters are read from.</param>
    /// <param name="mode">Where fused weights are kept; not <see cref="FuseMode.Auto"/>, which the renderer decides.</param>
    /// <param name="maxBufferBytes">Memory of dropped overlays kept for the next ones.</param>
    public AdapterFuser(ModelWeights model, AdapterCache cache, FuseMode mode = FuseMode.Overlay, long maxBufferBytes = 1L << 30)
    {
        _cache = cache;
        _buffers = new OverlayBuffers(mode == FuseMode.Overlay ? maxBufferBytes : 0);
        _modules = new ModuleMap(model);
        Use(mode);
    }

    /// <summary>Where fused weights are kept.</summary>
    public FuseMode Mode { get; private set; }

    /// <summary>Learned words of the fused adapters: copies of what the cache keeps.</summary>
    public IReadOnlyList<FusedEmbedding> Embeddings => _embeddings;

    /// <summary>Weights that fused numbers stand in for now, in an overlay or over the base.</summary>
    public IReadOnlyList<Weight> Fused => _fused;

    /// <summary>Changes the mode; unloads first.</summary>
    public void Use(FuseMode mode)
    {
        if (mode == FuseMode.Auto) throw new ArgumentOutOfRangeException(nameof(mode), mode, "the renderer decides what auto means");
        Unload();
        Mode = mode;
        _originals = mode == FuseMode.Overlay ? null : new OriginalBytes(mode);
    }

    /// <summary>Fuses all adapters of a signature; what was fused before is dropped first.</summary>
    /// <param name="signature">Adapters and strengths, in the order they are summed.</param>
    /// <param name="adapters">Registry entries of every adapter named.</param>
    /// <param name="cancellationToken">Checked between weights; a cancelled fuse applies nothing.</param>
    /// <exception cref="AdapterException">An adapter is missing, changed, corrupt or does not fit; nothing was applied.</exception>
    public FuseReport Fuse(AdapterSignature signature, IReadOnlyList<AdapterRecord> adapters, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        Unload();
        var rented = new List<LoadedAdapter>();
        var unmatched = new List<string>();
        try
        {
            using var noGrad = no_grad();
            using var scope = NewDisposeScope();
            var plan = new FusePlan(_modules);
            foreach (var use in signature.Adapters)
            {
                cancellationToken.ThrowIfCancellationRequested();
                var record = adapters.FirstOrDefault(candidate => candidate.Name == use.Name)
                    ?? throw new AdapterException($"Adapter '{use.Name}' is not registered. Add it with 'batchgen adapters add'.");
                var adapter = _cache.Rent(record);
                rented.Add(adapter);
                unmatched.AddRange(plan.Add(use, adapter).Select(key => $"{use.Name}: {key}"));
            }

            foreach (var (use, adapter) in signature.Adapters.Zip(rented))
                _embeddings.AddRange(adapter.Embeddings.Select(
                    embedding => new FusedEmbedding(use.Name, embedding.Key, embedding.Vectors.clone().DetachFromDisposeScope())));
            var bytes = _originals is null ? Overlay(plan, cancellationToken) : WriteInPlace(plan, _originals, cancellationToken);
            return new FuseReport(
                signature.Adapters.Count, _fused.Count, bytes, unmatched, Stopwatch.GetElapsedTime(started).TotalMilliseconds);
        }
        catch (Exception error) when (error is System.Runtime.InteropServices.ExternalException)
        {
            // What torch itself reports here is memory: shapes and values were checked before it was asked.
            throw new GenerationException(
                $"Fusing '{signature}' failed on the device: {error.Message.Split('\n')[0]}",
                outOfMemory: error.Message.Contains("out of memory", StringComparison.OrdinalIgnoreCase)
                    || error.Message.Contains("alloc", StringComparison.OrdinalIgnoreCase),
                error);
        }
        finally
        {
            foreach (var adapter in rented) _cache.Return(adapter);
        }
    }

    /// <summary>Digests what was just fused, for <see cref="FindDamaged"/>.</summary>
    public void TakeDigests()
    {
        var hash = new XxHash128();
        foreach (var weight in _fused)
        {
            var reading = new TensorReading(weight.Value);
            _readings.Add(reading);
            _digests.Add(reading.Hash(hash));
        }
    }

    /// <summary>Names of fused tensors whose bytes are not what they were when their digests were taken; empty when none were.</summary>
    /// <remarks>The base has its own checksum. What is looked at here is what the layers computed with while adapters were on.</remarks>
    public IReadOnlyList<string> FindDamaged()
    {
        var hash = new XxHash128();
        var damaged = new List<string>();
        for (var i = 0; i < _readings.Count; i++)
        {
            if (!ReferenceEquals(_readings[i].Tensor, _fused[i].Value) || _readings[i].Hash(hash) != _digests[i])
                damaged.Add(_fused[i].Name);
        }

        return damaged;
    }

    /// <summary>
    /// Drops every overlay, or puts exactly the old bytes back over the base. No arithmetic; harmless when nothing is fused.
    /// </summary>
    public void Unload()
    {
        _readings.Clear();
        _digests.Clear();
        foreach (var embedding in _embeddings) embedding.Vectors.Dispose();
        _embeddings.Clear();
        if (_originals is not null)
        {
            _originals.Restore();
            _fused.Clear();
            return;
        }

        foreach (var weight in _fused)
        {
            if (weight.TakeOverlay() is { } overlay) _buffers.Keep(weight, overlay);
        }

        _fused.Clear();
    }

    /// <summary>Unloads and frees the kept memory.</summary>
    public void Dispose()
    {
        Unload();
        _buffers.Dispose();
    }

    /// <returns>Bytes the overlays hold.</returns>
    private long Overlay(FusePlan plan, CancellationToken cancellationToken)
    {
        var ready = new List<(Weight Weight, Tensor Overlay)>();
        try
        {
            foreach (var (weight, parts) in plan.InModelOrder())
            {
                cancellationToken.ThrowIfCancellationRequested();
                ready.Add((weight, Sum(weight, parts)));
            }
        }
        catch
        {
            foreach (var (_, overlay) in ready) overlay.Dispose();
            throw;
        }

        foreach (var (weight, overlay) in ready)
        {
            weight.SetOverlay(overlay);
            _fused.Add(weight);
        }

        return ready.Sum(item => SizeOf(item.Overlay));
    }

    // Twice through the plan: everything is computed and checked before the first byte of the base is written over.
    // Only one fused tensor exists at a time, for this mode is for devices that have room for no more.
    private long WriteInPlace(FusePlan plan, OriginalBytes originals, CancellationToken cancellationToken)
    {
        foreach (var (weight, parts) in plan.InModelOrder())
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (!IsFiniteByBounds(weight, parts)) Sum(weight, parts).Dispose();
        }

        try
        {
            var bytes = 0L;
            foreach (var (weight, parts) in plan.InModelOrder())
            {
                using var fused = Sum(weight, parts);
                originals.Write(weight, fused);
                _fused.Add(weight);
                bytes += SizeOf(fused);
            }

            return bytes;
        }
        catch
        {
            Unload();
            throw;
        }
    }

    private Tensor Sum(Weight weight, IReadOnlyList<FusePart> parts)
    {
        using var scope = NewDisposeScope();
        var original = weight.Base;
        var layer = original ?? parts[0].Layer;
        // A bias that the layer does not have is as long as the layer has outputs, and starts at zero.
        var shape = original?.shape ?? [layer.shape[0]];
        var fused = _buffers.Take(weight) ?? empty(shape, layer.dtype, layer.device).DetachFromDisposeScope();
        try
        {
            // The sum is float32: in the overlay itself where that is its type, else in a buffer that every weight shares.
            var sum = layer.dtype == ScalarType.Float32 ? fused : _buffers.Scratch(shape, layer.device); // the weight's shape, f32
            var started = original is not null && parts[0].Delta.TryStart(sum, original, parts[0].Strength);
            if (!started && original is not null) sum.copy_(original);
            else if (!started) sum.zero_();
            foreach (var part in parts.Skip(started ? 1 : 0)) part.Delta.AddTo(sum, original, part.Strength);
            // The one rounding: everything before it is float32.
            if (layer.dtype != ScalarType.Float32) fused.copy_(sum);
            if (!IsFinite(fused, weight, parts))
            {
                throw new AdapterException(
                    $"Fusing {string.Join(" and ", parts.Select(part => $"'{part.Adapter}' at {part.Strength:0.####}").Distinct())} makes "
                        + "numbers in "
                    + $"{weight.Name} that {fused.dtype} cannot hold. Lower the strength; nothing was applied.");
            }

            return fused;
        }
        catch
        {
            fused.Dispose();
            throw;
        }
    }

    private static bool IsFinite(Tensor fused, Weight weight, IReadOnlyList<FusePart> parts)
    {
        // Where bounds prove it, the result need not be read again.
        if (IsFiniteByBounds(weight, parts)) return true;
        using var scope = NewDisposeScope();
        return fused.isfinite().all().item<bool>();
    }

    // Float32 and bfloat16 reach 3.4e38, float16 65504; a margin of two covers rounding.
    private static bool IsFiniteByBounds(Weight weight, IReadOnlyList<FusePart> parts)
    {
        var limit = (parts[0].Layer.dtype == ScalarType.Float16 ? 65504.0 : float.MaxValue) / 2;
        return weight.LargestMagnitude + parts.Sum(part => Math.Abs(part.Strength) * part.Delta.Bound) < limit;
    }

    private static long SizeOf(Tensor tensor) => tensor.numel() * tensor.element_size();
}
