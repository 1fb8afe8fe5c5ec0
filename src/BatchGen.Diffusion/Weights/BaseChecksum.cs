using System.Buffers.Binary;
using System.Diagnostics;
using System.IO.Hashing;
using System.Text;
using BatchGen.Core.Rendering;
using TorchSharp;
using static TorchSharp.torch;

namespace BatchGen.Diffusion.Weights;

/// <summary>The digest of a model's base tensors at load, and the check against it.</summary>
/// <remarks>
/// XXH128 per tensor over element type, shape and raw bytes; combined in key order. On the CPU the tensors are read in place. On another
/// device they are copied back first. Nothing about it is approximate: one changed bit changes the digest of its tensor.
/// </remarks>
internal sealed class BaseChecksum
{
    private const int PieceBytes = 1 << 26;
    private readonly ModelWeights _model;
    private readonly int _threads;
    private readonly (string Name, Weight Weight, UInt128 Digest)[] _baseline;
    private readonly TensorReading?[] _readings;
    private readonly byte[][] _names;

    private BaseChecksum(ModelWeights model, int threads)
    {
        _model = model;
        _threads = threads;
        var weights = Present(model);
        _readings = new TensorReading?[weights.Length];
        var digests = Digests(weights, CancellationToken.None);
        _baseline = weights.Select((weight, i) => (weight.Name, weight, digests[i])).ToArray();
        _names = weights.Select(weight => Encoding.UTF8.GetBytes(weight.Name + "\0")).ToArray();
        Digest = Combine(digests);
        SizeBytes = weights.Sum(weight => SizeOf(weight.Base!));
    }

    /// <summary>Combined digest at load, lower-case hex.</summary>
    public string Digest { get; }

    /// <summary>Number of base tensors.</summary>
    public int Tensors => _baseline.Length;

    /// <summary>Bytes of the base tensors.</summary>
    public long SizeBytes { get; }

    /// <summary>Takes the baseline of a model just loaded.</summary>
    /// <param name="model">The model.</param>
    /// <param name="threads">Threads that hash; 1 leaves the other cores to others.</param>
    public static BaseChecksum Take(ModelWeights model, int threads = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        return new BaseChecksum(model, threads);
    }

    /// <summary>Digests every base tensor again and compares.</summary>
    public WeightCheck Verify(CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        var digests = Digests(_baseline.Select(row => row.Weight).ToArray(), cancellationToken);
        var drifted = new List<string>();
        for (var i = 0; i < digests.Length; i++)
        {
            if (digests[i] != _baseline[i].Digest) drifted.Add(_baseline[i].Name);
        }

        // A tensor that was not there at load is as wrong as one that changed.
        // (One that went missing has digest zero, so equal counts mean equal sets.)
        if (_model.All.Count(weight => weight.Base is not null) != _baseline.Length)
            drifted.AddRange(
                Present(_model).Select(weight => weight.Name).Except(_baseline.Select(row => row.Name), StringComparer.Ordinal));
        var actual = Combine(digests);
        return new WeightCheck(
            drifted.Count == 0, Digest, actual, digests.Length, SizeBytes, drifted, Stopwatch.GetElapsedTime(started).TotalMilliseconds);
    }

    /// <summary>Digest of one tensor: element type, shape, bytes.</summary>
    public static UInt128 Hash(Tensor tensor) => new TensorReading(tensor).Hash(new XxHash128());

    /// <summary>Digest of several tensors in order, of which some may be missing.</summary>
    public static UInt128 HashAll(params ReadOnlySpan<Tensor?> tensors)
    {
        var all = new XxHash128();
        Span<byte> bytes = stackalloc byte[16];
        foreach (var tensor in tensors)
        {
            BinaryPrimitives.WriteUInt128BigEndian(bytes, tensor is null ? UInt128.Zero : Hash(tensor));
            all.Append(bytes);
        }

        return all.GetCurrentHashAsUInt128();
    }

    internal static void AppendPieces(Tensor tensor, XxHash128 hash)
    {
        using var scope = NewDisposeScope();
        var host = tensor.device_type == DeviceType.CPU ? tensor : ToHost(tensor);
        if (!host.is_contiguous()) host = host.contiguous();
        var flat = host.view(-1);
        // Pieces, because a span ends at 2 GB.
        var step = PieceBytes / host.element_size();
        for (long at = 0; at < flat.shape[0]; at += step)
        {
            using var piece = flat.narrow(0, at, Math.Min(step, flat.shape[0] - at));
            hash.Append(piece.bytes);
        }
    }

    // Pinned memory lets the copy run at the speed of the bus. Written for CUDA; this project's own tests run on the CPU only.
    private static Tensor ToHost(Tensor tensor)
    {
        var pinned = empty(tensor.shape, tensor.dtype).pin_memory();
        return pinned.copy_(tensor);
    }

    private static Weight[] Present(ModelWeights model) => model.All.Where(weight => weight.Base is not null).ToArray();

    private static long SizeOf(Tensor tensor) => tensor.numel() * tensor.element_size();

    private UInt128[] Digests(Weight[] weights, CancellationToken cancellationToken)
    {
        var digests = new UInt128[weights.Length];
        if (_threads == 1)
        {
            var hash = new XxHash128();
            for (var i = 0; i < digests.Length; i++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                digests[i] = DigestOf(weights, i, hash);
            }

            return digests;
        }

        // Largest first, so that no thread is left alone with a large one at the end. Each thread opens its own dispose scopes.
        var order = Enumerable.Range(0, digests.Length)
            .OrderByDescending(i => weights[i].Base is { } tensor ? SizeOf(tensor) : 0).ToArray();
        Parallel.ForEach(
            System.Collections.Concurrent.Partitioner.Create(order, loadBalance: true),
            new ParallelOptions { MaxDegreeOfParallelism = _threads, CancellationToken = cancellationToken },
            i => digests[i] = DigestOf(weights, i, new XxHash128()));
        return digests;
    }

    private UInt128 DigestOf(Weight[] weights, int index, XxHash128 hash)
    {
        if (weights[index].Base is not { } tensor) return UInt128.Zero;
        // A reload puts another tensor in place; else what was asked about the tensor once still holds.
        var reading = _readings[index];
        if (!ReferenceEquals(reading?.Tensor, tensor)) _readings[index] = reading = new TensorReading(tensor);
        return reading.Hash(hash);
    }

    private string Combine(UInt128[] digests)
    {
        var hash = new XxHash128();
        Span<byte> bytes = stackalloc byte[16];
        for (var i = 0; i < digests.Length; i++)
        {
            hash.Append(_names[i]);
            BinaryPrimitives.WriteUInt128BigEndian(bytes, digests[i]);
            hash.Append(bytes);
        }

        return Convert.ToHexStringLower(hash.GetCurrentHash());
    }
}
