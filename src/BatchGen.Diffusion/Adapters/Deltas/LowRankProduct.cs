using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using BatchGen.Diffusion.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace BatchGen.Diffusion.Adapters.Deltas;

/// <summary>
/// <c>result = original + scale * up @ down</c> on the processor in one pass: every number of the original is read once and every one of
/// the result written once.
/// </summary>
/// <remarks>
/// Torch copies the original first and then adds a thin product, for which its library is slow on some processors (docs/benchmarks.md).
/// Each number is the same chain of fused multiply-adds over the rank, then one more with the scale, wherever it lies and however many
/// threads there are, so results are the same in every run.
/// </remarks>
internal static unsafe class LowRankProduct
{
    // Two vectors of columns by eight rows: sixteen sums stay in registers.
    private const int Rows = 8;
    private const int Columns = 32;

    // Numbers of a panel of the down factor, 256 kB, which stay in the second cache while all rows pass.
    private const int PanelNumbers = 1 << 16;

    // Fewer numbers than this are written before another thread has woken up.
    private const int NumbersPerThread = 1 << 14;

    /// <summary>Writes the result, where everything is float32 on the processor and contiguous.</summary>
    /// <param name="result">[m, n] as a matrix: its first axis by all others; may be the original itself.</param>
    /// <param name="original">The same shape.</param>
    /// <param name="up">[m, r].</param>
    /// <param name="down">[r, n].</param>
    /// <param name="scale">Multiplier of the product.</param>
    /// <param name="maxThreads">Threads to share the rows at most; null means as many as torch has.</param>
    /// <returns>False when something is not so; nothing was written.</returns>
    public static bool TryWrite(Tensor result, Tensor original, Tensor up, Tensor down, float scale, int? maxThreads = null)
    {
        if (!IsReadable(result) || !IsReadable(original) || !IsReadable(up) || !IsReadable(down)
            || down.shape[0] is < 1 or > PanelNumbers / Columns)
            return false;
        var product = new Product(Address(result), Address(original), Address(up), Address(down), (int)up.shape[0], (int)down.shape[1],
            (int)down.shape[0], scale);
        var threads = (int)Math.Clamp((long)product.Height * product.Width / NumbersPerThread, 1, maxThreads ?? get_num_threads());
        var share = (((product.Height + threads - 1) / threads) + Rows - 1) / Rows * Rows;
        if (threads == 1) product.Run(0, product.Height);
        else
            Parallel.For(
                0, threads, part => product.Run(Math.Min(part * share, product.Height), Math.Min((part + 1) * share, product.Height)));
        return true;
    }

    private static bool IsReadable(Tensor tensor) => TensorMemory.IsPlain(tensor, ScalarType.Float32);

    private static float* Address(Tensor tensor) => (float*)TensorMemory.Address(tensor);

    private sealed class Product(float* result, float* original, float* up, float* down, int height, int width, int rank, float scale)
    {
        // Past the caches, since nothing reads it soon: what is written need not be fetched first.
        private readonly bool _streams = result != original && (nint)result % 64 == 0 && width % 16 == 0;

        public int Height => height;

        public int Width => width;

        /// <summary>Computes the rows of one share of the work.</summary>
        public void Run(int from, int to)
        {
            var panel = PanelNumbers / rank / Columns * Columns;
            for (var left = 0; left < width; left += panel)
            {
                var right = Math.Min(left + panel, width);
                var whole = left + ((right - left) / Columns * Columns);
                var row = from;
                for (; row + Rows <= to; row += Rows)
                    for (var column = left; column < whole; column += Columns) Block(row, column);
                for (; row < to; row++)
                    for (var column = left; column < whole; column += Vector512<float>.Count) Strip(row, column);
                for (row = from; row < to; row++)
                    for (var column = whole; column < right; column++) Single(row, column);
            }

            // Stores past the caches are seen by other threads in order only after this.
            if (_streams && Sse.IsSupported) Sse.StoreFence();
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Block(int row, int column)
        {
            // What the block below will read, on its way to the second cache while this one is computed.
            if (Sse.IsSupported)
            {
                var below = original + ((long)(row + Rows) * width) + column;
                for (var i = 0; i < Rows; i++, below += width)
                {
                    Sse.Prefetch1(below);
                    Sse.Prefetch1(below + 16);
                }
            }

            Vector512<float> a0 = default, a1 = default, b0 = default, b1 = default, c0 = default, c1 = default, d0 = default, d1 = default;
            Vector512<float> e0 = default, e1 = default, f0 = default, f1 = default, g0 = default, g1 = default, h0 = default, h1 = default;
            var factor = up + ((long)row * rank);
            var line = down + column;
            for (var k = 0; k < rank; k++, factor++, line += width)
            {
                var (x, y) = (Vector512.Load(line), Vector512.Load(line + 16));
                var u = Vector512.Create(factor[0]);
                (a0, a1) = (Vector512.FusedMultiplyAdd(u, x, a0), Vector512.FusedMultiplyAdd(u, y, a1));
                u = Vector512.Create(factor[rank]);
                (b0, b1) = (Vector512.FusedMultiplyAdd(u, x, b0), Vector512.FusedMultiplyAdd(u, y, b1));
                u = Vector512.Create(factor[2 * rank]);
                (c0, c1) = (Vector512.FusedMultiplyAdd(u, x, c0), Vector512.FusedMultiplyAdd(u, y, c1));
                u = Vector512.Create(factor[3 * rank]);
                (d0, d1) = (Vector512.FusedMultiplyAdd(u, x, d0), Vector512.FusedMultiplyAdd(u, y, d1));
                u = Vector512.Create(factor[4 * rank]);
                (e0, e1) = (Vector512.FusedMultiplyAdd(u, x, e0), Vector512.FusedMultiplyAdd(u, y, e1));
                u = Vector512.Create(factor[5 * rank]);
                (f0, f1) = (Vector512.FusedMultiplyAdd(u, x, f0), Vector512.FusedMultiplyAdd(u, y, f1));
                u = Vector512.Create(factor[6 * rank]);
                (g0, g1) = (Vector512.FusedMultiplyAdd(u, x, g0), Vector512.FusedMultiplyAdd(u, y, g1));
                u = Vector512.Create(factor[7 * rank]);
                (h0, h1) = (Vector512.FusedMultiplyAdd(u, x, h0), Vector512.FusedMultiplyAdd(u, y, h1));
            }

            Write(row, column, a0, a1);
            Write(row + 1, column, b0, b1);
            Write(row + 2, column, c0, c1);
            Write(row + 3, column, d0, d1);
            Write(row + 4, column, e0, e1);
            Write(row + 5, column, f0, f1);
            Write(row + 6, column, g0, g1);
            Write(row + 7, column, h0, h1);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private void Write(int row, int column, Vector512<float> first, Vector512<float> second)
        {
            var at = ((long)row * width) + column;
            var factor = Vector512.Create(scale);
            var (left, right) = (Vector512.FusedMultiplyAdd(factor, first, Vector512.Load(original + at)),
                Vector512.FusedMultiplyAdd(factor, second, Vector512.Load(original + at + 16)));
            if (_streams)
            {
                left.StoreAlignedNonTemporal(result + at);
                right.StoreAlignedNonTemporal(result + at + 16);
            }
            else
            {
                left.Store(result + at);
                right.Store(result + at + 16);
            }
        }

        private void Strip(int row, int column)
        {
            var sum = Vector512<float>.Zero;
            for (var k = 0; k < rank; k++)
                sum = Vector512.FusedMultiplyAdd(
                    Vector512.Create(up[((long)row * rank) + k]), Vector512.Load(down + ((long)k * width) + column), sum);
            var at = ((long)row * width) + column;
            Vector512.FusedMultiplyAdd(Vector512.Create(scale), sum, Vector512.Load(original + at)).Store(result + at);
        }

        private void Single(int row, int column)
        {
            var sum = 0f;
            for (var k = 0; k < rank; k++) sum = MathF.FusedMultiplyAdd(up[((long)row * rank) + k], down[((long)k * width) + column], sum);
            var at = ((long)row * width) + column;
            result[at] = MathF.FusedMultiplyAdd(scale, sum, original[at]);
        }
    }
}
