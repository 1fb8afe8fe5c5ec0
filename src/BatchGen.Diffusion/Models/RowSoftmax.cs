using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using BatchGen.Diffusion.Weights;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace BatchGen.Diffusion.Models;

/// <summary>
/// <c>exp(x - max) / sum</c> along each row, in place or straight to bfloat16, so that scores of attention pass the caches once.
/// </summary>
/// <remarks>
/// Torch's takes twice the time and returns float32, which bfloat16 then reads and writes once more (docs/benchmarks.md). The exponential
/// is the polynomial of degree six of the Cephes library (S. L. Moshier, expf), right to 2 units in the last place. A row's sum is taken in
/// one order, so results are the same for any number of threads.
/// </remarks>
internal static unsafe class RowSoftmax
{
    // Numbers of one step: two vectors, whose sums do not wait for each other.
    private const int Step = 32;

    // Fewer numbers than this are done before another thread has woken up.
    private const int NumbersPerThread = 1 << 15;

    // exp of less is below the least normal number.
    private const float Least = -87.3f;

    /// <summary>The shares of each row's numbers.</summary>
    /// <param name="scores">[rows, T] float32; overwritten.</param>
    /// <param name="type">Type of the result, float32 or bfloat16.</param>
    /// <returns>[rows, T]; for float32 it may be the scores themselves.</returns>
    public static Tensor Apply(Tensor scores, ScalarType type)
    {
        if (!Vector512.IsHardwareAccelerated || !TensorMemory.IsPlain(scores, ScalarType.Float32)) return F.softmax(scores, -1).to(type);
        var shares = type == ScalarType.BFloat16 ? empty_like(scores, dtype: type) : scores;
        var (rows, width) = ((int)scores.shape[0], (int)scores.shape[1]);
        var from = (float*)TensorMemory.Address(scores);
        var to = type == ScalarType.BFloat16 ? (ushort*)TensorMemory.Address(shares) : null;
        var threads = (int)Math.Clamp((long)rows * width / NumbersPerThread, 1, get_num_threads());
        if (threads == 1) Rows(from, to, 0, rows, width);
        else Parallel.For(0, threads, part => Rows(from, to, rows * part / threads, rows * (part + 1) / threads, width));
        return shares;
    }

    private static void Rows(float* scores, ushort* shares, int first, int end, int width)
    {
        var whole = width / Step * Step;
        // The last, broken step of a row is worked on here, filled up with scores that are nothing beside the highest.
        var rest = stackalloc float[Step];
        for (var row = first; row < end; row++)
        {
            var line = scores + ((long)row * width);
            new Span<float>(rest, Step).Fill(float.NegativeInfinity);
            new Span<float>(line + whole, width - whole).CopyTo(new Span<float>(rest, Step));
            var most = Vector512.Create(MathF.Max(Most(line, whole), Most(rest, Step)));
            var share = Vector512.Create(1 / (Raise(line, whole, most) + Raise(rest, Step, most)));
            if (shares is null)
            {
                for (var i = 0; i < whole; i += Vector512<float>.Count) (Vector512.Load(line + i) * share).Store(line + i);
                for (var i = whole; i < width; i++) line[i] = rest[i - whole] * share[0];
            }
            else
            {
                var halves = shares + ((long)row * width);
                for (var i = 0; i < whole; i += Step) Halves(line + i, share).Store(halves + i);
                var last = Halves(rest, share);
                for (var i = whole; i < width; i++) halves[i] = last[i - whole];
            }
        }
    }

    private static float Most(float* line, int count)
    {
        var (left, right) = (Vector512.Create(float.NegativeInfinity), Vector512.Create(float.NegativeInfinity));
        for (var i = 0; i < count; i += Step)
        {
            left = Vector512.MaxNative(left, Vector512.Load(line + i));
            right = Vector512.MaxNative(right, Vector512.Load(line + i + 16));
        }

        left = Vector512.MaxNative(left, right);
        var most = left[0];
        for (var i = 1; i < Vector512<float>.Count; i++) most = MathF.Max(most, left[i]);
        return most;
    }

    // Replaces scores with exp(score - most) and returns their sum.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Raise(float* line, int count, Vector512<float> most)
    {
        var (left, right) = (Vector512<float>.Zero, Vector512<float>.Zero);
        for (var i = 0; i < count; i += Step)
        {
            var (x, y) = (Exponential(Vector512.Load(line + i) - most), Exponential(Vector512.Load(line + i + 16) - most));
            left += x;
            right += y;
            x.Store(line + i);
            y.Store(line + i + 16);
        }

        return Vector512.Sum(left + right);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Exponential(Vector512<float> x)
    {
        // Of two operands the processor's maximum returns the second when one is not a number, so that a fault in the scores is not covered
        // up.
        x = Vector512.MaxNative(Vector512.Create(Least), x);
        // x = n ln 2 + r, with ln 2 in two parts of which the first has few digits.
        var n = Vector512.Floor(Vector512.FusedMultiplyAdd(x, Vector512.Create(1.44269504f), Vector512.Create(0.5f)));
        var r = Vector512.FusedMultiplyAdd(n, Vector512.Create(-0.693359375f), x);
        r = Vector512.FusedMultiplyAdd(n, Vector512.Create(2.12194440e-4f), r);
        var p = Vector512.FusedMultiplyAdd(Vector512.Create(1.9875691500e-4f), r, Vector512.Create(1.3981999507e-3f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(8.3334519073e-3f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(4.1665795894e-2f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(1.6666665459e-1f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(5.0000001201e-1f));
        p = Vector512.FusedMultiplyAdd(p, r * r, r) + Vector512<float>.One;
        return p * ((Vector512.ConvertToInt32Native(n) + Vector512.Create(127)) << 23).AsSingle(); // 2ⁿ by its exponent bits.
    }

    // To the nearest bfloat16, even on a tie.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<ushort> Halves(float* line, Vector512<float> share)
    {
        return Vector512.Narrow(Nearest(Vector512.Load(line) * share), Nearest(Vector512.Load(line + 16) * share));

        static Vector512<uint> Nearest(Vector512<float> x)
        {
            var bits = x.AsUInt32();
            return (bits + Vector512.Create(0x7fffu) + ((bits >> 16) & Vector512<uint>.One)) >> 16;
        }
    }
}
