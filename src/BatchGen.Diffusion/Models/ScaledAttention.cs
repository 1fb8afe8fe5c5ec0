using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace BatchGen.Diffusion.Models;

/// <summary>softmax(q kᵀ / sqrt(d)) v, without the whole matrix of scores in memory.</summary>
internal static class ScaledAttention
{
    // Scores kept at a time by the tiled form: 16 MB of float32. Fewer rows at a time make the products slower, more leave the cache.
    private const long TileScores = 1L << 22;

    // From here on products outweigh the rest.
    private const long FewScores = 1L << 20;

    /// <param name="q">[B, h, L, d].</param>
    /// <param name="k">[B, h, T, d].</param>
    /// <param name="v">[B, h, T, d].</param>
    /// <param name="isCausal">True when a place sees only those before it.</param>
    /// <returns>[B, h, L, d].</returns>
    public static Tensor Forward(Tensor q, Tensor k, Tensor v, bool isCausal = false)
    {
        OperationTrace.Note(OperationKind.Attention, q, k);
        return !isCausal && q.device_type == TorchSharp.DeviceType.CPU && q.dtype is ScalarType.Float32 or ScalarType.BFloat16
            && q.shape[2] * k.shape[2] >= FewScores
            ? Tiled(q, k, v) : Fused(q, k, v, isCausal);
    }

    // Torch's fused kernel multiplies one head of one image at a time. For types other than float32 it looks at the whole batch to decide
    // how (aten/src/ATen/native/cpu/FlashAttentionKernel.cpp, need_pack), and a single part is multiplied on all threads; an image must
    // depend on neither.
    private static Tensor Fused(Tensor q, Tensor k, Tensor v, bool isCausal)
    {
        if (q.device_type != TorchSharp.DeviceType.CPU || q.shape[0] == 1 || (q.dtype == ScalarType.Float32 && q.shape[1] > 1))
            return F.scaled_dot_product_attention(q, k, v, is_casual: isCausal);
        using var scope = NewDisposeScope();
        var images = new Tensor[q.shape[0]];
        for (var i = 0; i < images.Length; i++)
        {
            var (query, key, value) = (q.narrow(0, i, 1), k.narrow(0, i, 1), v.narrow(0, i, 1));
            images[i] = F.scaled_dot_product_attention(query, key, value, is_casual: isCausal);
        }

        return cat(images, 0).MoveToOuterDisposeScope();
    }

    // Torch's fused kernel multiplies by MKL (see MatrixProduct). Where products outweigh the rest, tiles by the other library take half
    // the time.
    private static Tensor Tiled(Tensor q, Tensor k, Tensor v)
    {
        using var scope = NewDisposeScope();
        var (batch, heads, length, depth) = (q.shape[0], q.shape[1], q.shape[2], q.shape[3]);
        var tokens = k.shape[2];
        var tile = Math.Max(64, TileScores / tokens);
        // Laid out as the next layer reads it: [B, L, h, d].
        var result = empty([batch, length, heads, v.shape[3]], q.dtype, q.device);
        for (long b = 0; b < batch; b++)
        {
            for (long h = 0; h < heads; h++)
            {
                using var head = NewDisposeScope();
                // Scores are float32 in every type: bfloat16 would round a score of 10 to the nearest sixteenth.
                var queries = q[b, h].to(ScalarType.Float32) * (1 / Math.Sqrt(depth)); // [L, d] f32
                var keys = k[b, h].to(ScalarType.Float32).contiguous(); // [T, d] f32
                var values = v[b, h].t().contiguous(); // [d, T]
                for (long at = 0; at < length; at += tile)
                {
                    using var part = NewDisposeScope();
                    var rows = Math.Min(tile, length - at);
                    var shares = RowSoftmax.Apply(MatrixProduct.ByKernels(queries.narrow(0, at, rows), keys, null), q.dtype); // [rows, T]
                    // [rows, d]
                    var mixed = q.dtype == ScalarType.Float32 ? MatrixProduct.ByKernels(shares, values, null) : F.linear(shares, values);
                    result[b].narrow(0, at, rows).select(1, h).copy_(mixed);
                }
            }
        }

        return result.transpose(1, 2).MoveToOuterDisposeScope();
    }
}
