using BatchGen.Diffusion.Weights;
using static TorchSharp.torch;

namespace BatchGen.Diffusion.Text;

/// <summary>
/// A learned word (textual inversion): vectors that stand in a prompt where its trigger is written. Gal et al. 2022 (arXiv:2208.01618).
/// </summary>
/// <param name="Trigger">What is written in a prompt, without regard to case.</param>
/// <param name="Vectors">One [v, D] float32 tensor for each text encoder, null for an encoder that it does not speak to.</param>
internal sealed record TextEmbedding(string Trigger, IReadOnlyList<Tensor?> Vectors) : IDisposable
{
    /// <summary>Number of token places it takes.</summary>
    public int Length => (int)Vectors.OfType<Tensor>().Max(vectors => vectors.shape[0]);

    /// <summary>Digest of its vectors.</summary>
    public UInt128 Digest() => BaseChecksum.HashAll([.. Vectors]);

    public void Dispose()
    {
        foreach (var vectors in Vectors) vectors?.Dispose();
    }
}
