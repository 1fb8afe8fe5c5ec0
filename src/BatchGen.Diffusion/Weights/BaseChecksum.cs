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

    private BaseChecksum(ModelWeights model, int threads)
    {
        _model = model;
        _threads = threads;
        var weights = Present(model);
        var digests = Digests(weights, threads, CancellationToken.None);
        _baseline = weights.Select((weight, i) => (weight.Name, weight, digests[i])).ToArray();
        Digest = Combine(_baseline.Select(row => (row.Name, row.Digest)));
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
        var digests = Digests(_baseline.Select(row => row.Weight).ToArray(), _threads, cancellationToken);
        var drifted = new List<string>();
        for (var i = 0; i < digests.Length; i++)
        {
            if (digests[i] != _baseline[i].Digest) drifted.Add(_baseline[i].Name);
        }

        // A tensor that was not there at load is as wrong as one that changed.
        drifted.AddRange(Present(_model).Select(weight => weight.Name).Except(_baseline.Select(row => row.Name), StringComparer.Ordinal));
        var actual = Combine(digests.Select((digest, i) => (_baseline[i].Name, digest)));
        return new WeightCheck(
            drifted.Count == 0, Digest, actual, digests.Length, SizeBytes, drifted, Stopwatch.GetElapsedTime(started).TotalMilliseconds);
    }

    /// <summary>Digest of one tensor: element type, shape, bytes.</summary>
    public static UInt128 Hash(Tensor tensor)
    {
        using var scope = NewDisposeScope();
        var hash = new XxHash128();
        Span<byte> number = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(number, (long)tensor.dtype);
        hash.Append(number);
        foreach (var size in tensor.shape)
        {
            BinaryPrimitives.WriteInt64LittleEndian(number, size);
            hash.Append(number);
        }

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

        return hash.GetCurrentHashAsUInt128();
    }

    // Pinned memory lets the copy run at the speed of the bus. Written for CUDA; this project's own tests run on the CPU only.
    private static Tensor ToHost(Tensor tensor)
    {
        var pinned = empty(tensor.shape, tensor.dtype).pin_memory();
        return pinned.copy_(tensor);
    }

    private static Weight[] Present(ModelWeights model) => model.All.Where(weight => weight.Base is not null).ToArray();

    private static long SizeOf(Tensor tensor) => tensor.numel() * tensor.element_size();

    private static UInt128[] Digests(Weight[] weights, int threads, CancellationToken cancellationToken)
    {
        var digests = new UInt128[weights.Length];
        if (threads == 1)
        {
            for (var i = 0; i < digests.Length; i++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                digests[i] = DigestOf(weights[i]);
            }

            return digests;
        }

        // Largest first, so that no thread is left alone with a large one at the end. Each thread opens its own dispose scopes.
        var order = Enumerable.Range(0, digests.Length).OrderByDescending(i => weights[i].Base is { } tensor ? SizeOf(tensor) : 0).ToArray();
        Parallel.ForEach(
            System.Collections.Concurrent.Partitioner.Create(order, loadBalance: true),
            new ParallelOptions { MaxDegreeOfParallelism = threads, CancellationToken = cancellationToken },
            i => digests[i] = DigestOf(weights[i]));
        return digests;
    }

    private static UInt128 DigestOf(Weight weight) => weight.Base is { } tensor ? Hash(tensor) : UInt128.Zero;

    private static string Combine(IEnumerable<(string Name, UInt128 Digest)> rows)
    {
        var hash = new XxHash128();
        Span<byte> bytes = stackalloc byte[16];
        foreach (var (name, digest) in rows)
        {
            hash.Append(Encoding.UTF8.GetBytes(name));
            hash.Append([0]);
            BinaryPrimitives.WriteUInt128BigEndian(bytes, digest);
            hash.Append(bytes);
        }

        return Convert.ToHexStringLower(hash.GetCurrentHash());
    }
}
