using BatchGen.Core.Failures;
using BatchGen.Diffusion.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace BatchGen.Diffusion.Text;

/// <summary>A prompt as the UNet reads it.</summary>
/// <param name="Context">[1, T, X].</param>
/// <param name="Pooled">[1, P] for SDXL, else null.</param>
internal sealed record EncodedPrompt(Tensor Context, Tensor? Pooled) : IDisposable
{
    /// <summary>Bytes held.</summary>
    public long SizeBytes => Size(Context) + (Pooled is null ? 0 : Size(Pooled));

    public void Dispose()
    {
        Context.Dispose();
        Pooled?.Dispose();
    }

    private static long Size(Tensor tensor) => tensor.numel() * tensor.element_size();
}

/// <summary>Encodes prompts with a model's text encoders, each prompt alone, so that the result does not depend on the others of a batch.</summary>
/// <remarks>
/// Results are kept (least recently used first to go) until <see cref="Forget"/>, which must follow every change of the text encoders' weights.
/// What <see cref="Encode"/> returns belongs to the encoder and stays valid until the next call of any member.
/// </remarks>
internal sealed class PromptEncoder(DiffusionModel model, long maxCacheBytes = 64L << 20) : IDisposable
{
    private readonly Dictionary<Key, LinkedListNode<(Key Key, EncodedPrompt Value)>> _cache = [];
    private readonly LinkedList<(Key Key, EncodedPrompt Value)> _order = [];
    private long _bytes;

    /// <summary>Times a prompt was there already.</summary>
    public long Hits { get; private set; }

    /// <summary>Encodes a prompt.</summary>
    /// <param name="prompt">The text; longer ones than the model takes are cut, as diffusers does.</param>
    /// <param name="secondPrompt">Text for the second encoder of SDXL; null is the same.</param>
    /// <param name="clipSkip">Layers left out at the end.</param>
    /// <exception cref="InvalidJobException">More layers are to be left out than there are.</exception>
    public EncodedPrompt Encode(string prompt, string? secondPrompt, int clipSkip)
    {
        var key = new Key(prompt, secondPrompt == prompt ? null : secondPrompt, clipSkip);
        if (_cache.TryGetValue(key, out var node))
        {
            Hits++;
            _order.Remove(node);
            _order.AddLast(node);
            return node.Value.Value;
        }

        var encoded = Compute(key);
        node = _order.AddLast((key, encoded));
        _cache.Add(key, node);
        _bytes += encoded.SizeBytes;
        while (_bytes > maxCacheBytes && _order.Count > 1) Drop(_order.First!);
        return encoded;
    }

    /// <summary>Drops everything kept.</summary>
    public void Forget()
    {
        while (_order.First is { } first) Drop(first);
    }

    public void Dispose() => Forget();

    private void Drop(LinkedListNode<(Key Key, EncodedPrompt Value)> node)
    {
        _order.Remove(node);
        _cache.Remove(node.Value.Key);
        _bytes -= node.Value.Value.SizeBytes;
        node.Value.Value.Dispose();
    }

    private EncodedPrompt Compute(Key key)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var contexts = new List<Tensor>();
        Tensor? pooled = null;
        for (var i = 0; i < model.TextEncoders.Count; i++)
        {
            var (tokenizer, network) = model.TextEncoders[i];
            var ids = tensor(tokenizer.EncodePadded(i == 0 ? key.Prompt : key.SecondPrompt ?? key.Prompt), device: model.Device).unsqueeze(0); // [1, T] i64
            var layers = network.LayerCount;
            // SDXL was trained on the last layer but one, without the final norm (arXiv:2307.01952, section 2.1).
            var used = layers - key.ClipSkip - (model.TextEncoders.Count > 1 ? 1 : 0);
            if (used < 1) throw new InvalidJobException($"clip_skip {key.ClipSkip} leaves no layer of the text encoder, which has {layers}.");
            var state = network.Run(network.Start(network.Rows(ids)), 0, used); // [1, T, D]
            contexts.Add(model.TextEncoders.Count > 1 ? state : network.FinalNorm(state));
            if (network.ProjectionWidth > 0) pooled = network.Project(network.AtEnd(network.FinalNorm(network.Run(state, used, layers)), ids)); // [1, P]
        }

        var context = contexts.Count == 1 ? contexts[0] : cat(contexts, -1); // [1, T, X]
        return new EncodedPrompt(context.DetachFromDisposeScope(), pooled?.DetachFromDisposeScope());
    }

    private sealed record Key(string Prompt, string? SecondPrompt, int ClipSkip);
}
