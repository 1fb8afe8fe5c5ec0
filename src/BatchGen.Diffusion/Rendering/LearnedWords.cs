using BatchGen.Core.Failures;
using BatchGen.Diffusion.Adapters;
using BatchGen.Diffusion.Models;
using BatchGen.Diffusion.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace BatchGen.Diffusion.Rendering;

/// <summary>Makes the learned words (textual inversions) that came with fused adapters ready for prompts.</summary>
internal static class LearnedWords
{
    /// <summary>The words of the fused adapters, with their vectors on the model's device and in its type.</summary>
    /// <exception cref="AdapterException">A word is made for text encoders of another width, or is longer than a prompt's
    /// chunk.</exception>
    public static IReadOnlyList<TextEmbedding> For(DiffusionModel model, IReadOnlyList<FusedEmbedding> embeddings)
    {
        var words = new List<TextEmbedding>();
        using var noGrad = no_grad();
        foreach (var adapter in embeddings.GroupBy(embedding => embedding.Adapter))
        {
            foreach (var group in adapter.GroupBy(embedding => embedding.Key.Trigger))
            {
                var vectors = new Tensor?[model.TextEncoders.Count];
                foreach (var embedding in group)
                {
                    var encoder = Enumerable.Range(0, vectors.Length)
                        .Where(i => model.TextEncoders[i].Network.Width == embedding.Key.Width && vectors[i] is null)
                        .Where(i => embedding.Key.IsForSecond is not { } second || vectors.Length == 1 || second == (i == 1)).Cast<int?>()
                        .FirstOrDefault();
                    if (encoder is null)
                    {
                        foreach (var word in words) word.Dispose();
                        foreach (var vector in vectors) vector?.Dispose();
                        throw new AdapterException(
                            $"Adapter '{embedding.Adapter}' is a learned word for texts of width {embedding.Key.Width}, "
                                + $"but model '{model.Record.Name}' has text encoders of width "
                            + $"{string.Join(" and ", model.TextEncoders.Select(item => item.Network.Width))}. "
                            + "It is made for another model family; nothing was applied.");
                    }

                    vectors[encoder.Value] = embedding.Vectors.to(model.ComputeType).to(model.Device).clone().DetachFromDisposeScope();
                }

                words.Add(new TextEmbedding(group.Key.Length > 0 ? group.Key : adapter.Key, vectors));
                // Registered names work too where the file has one word: people write what they see in the list.
                if (group.Key.Length > 0 && group.Key != adapter.Key && adapter.All(embedding => embedding.Key.Trigger == group.Key))
                    words.Add(new TextEmbedding(adapter.Key, vectors.Select(vector => vector?.clone().DetachFromDisposeScope()).ToArray()));
            }
        }

        var limit = model.TextEncoders[0].Tokenizer.MaxLength - 2;
        if (words.FirstOrDefault(word => word.Length > limit) is { } tooLong)
        {
            foreach (var word in words) word.Dispose();
            throw new AdapterException(
                $"The learned word '{tooLong.Trigger}' has {tooLong.Length} vectors; a chunk of a prompt has room for {limit}.");
        }

        return words;
    }
}
