using BatchGen.Core.Failures;
using BatchGen.Diffusion.Models;
using BatchGen.Diffusion.Weights;
using Microsoft.Extensions.Logging;
using TorchSharp;
using static TorchSharp.torch;

namespace BatchGen.Diffusion.Text;

// Letters in shapes: T tokens of a chunk (77), D width of one text encoder, X of all together, P of pooled texts, n chunks.

/// <summary>A prompt as the UNet reads it.</summary>
/// <param name="Context">[1, n T, X].</param>
/// <param name="Pooled">[1, P] one vector of the whole text, for families whose denoiser reads it; else null.</param>
internal sealed record EncodedPrompt(Tensor Context, Tensor? Pooled) : IDisposable
{
    /// <summary>Bytes that the tensors hold.</summary>
    public long SizeBytes => Size(Context) + (Pooled is null ? 0 : Size(Pooled));

    /// <summary>Digest of all its numbers.</summary>
    public UInt128 Digest() => BaseChecksum.HashAll(Context, Pooled);

    public void Dispose()
    {
        Context.Dispose();
        Pooled?.Dispose();
    }

    private static long Size(Tensor tensor) => tensor.numel() * tensor.element_size();
}

/// <summary>
/// Encodes prompts with a model's text encoders, each prompt alone, so that the result does not depend on the others of a batch.
/// </summary>
/// <remarks>
/// Weighted prompts of any length are read in chunks (<see cref="PromptSyntax"/>, <see cref="PromptChunks"/>); a prompt without brackets of
/// at most 75 tokens gives exactly what diffusers gives. Results are kept (least recently used first to go) until <see cref="Forget"/>,
/// which must follow every change of the text encoders' weights. What is kept is checksummed before it is handed out, for no checkpoint of
/// the weights covers it. What <see cref="Encode"/> returns belongs to the encoder and stays valid until the next call of any member.
/// </remarks>
/// <param name="model">The model.</param>
/// <param name="maxCacheBytes">Memory for results.</param>
/// <param name="logger">Where to log; null logs nothing.</param>
internal sealed class PromptEncoder(
    DiffusionModel model, long maxCacheBytes = 64L << 20, ILogger? logger = null) : IDisposable
{
    private readonly Dictionary<Key, LinkedListNode<Entry>> _cache = [];
    private readonly LinkedList<Entry> _order = [];
    private UInt128[] _wordDigests = [];
    private long _bytes;

    /// <summary>True to take brackets as they stand and cut long prompts, as diffusers does.</summary>
    public bool IsPlain { get; set; }

    /// <summary>Learned words that prompts may use.</summary>
    public IReadOnlyList<TextEmbedding> Embeddings { get; private set; } = [];

    /// <summary>Times a prompt was there already.</summary>
    public long Hits { get; private set; }

    /// <summary>How many chunks a prompt takes; a negative prompt must have as many as its prompt.</summary>
    public int ChunksOf(string prompt, string? secondPrompt) => IsPlain ? 1 : new[] { prompt, secondPrompt }.OfType<string>()
        .Max(text => PromptChunks.Cut(model.TextEncoders[0].Tokenizer, PromptSyntax.Parse(text), Embeddings).Count);

    /// <summary>Tokens of a prompt that a plain reading cuts off.</summary>
    public int TokensCutOff(string prompt)
    {
        var tokenizer = model.TextEncoders[0].Tokenizer;
        return IsPlain ? Math.Max(0, tokenizer.Encode(prompt).Count + 2 - tokenizer.MaxLength) : 0;
    }

    /// <summary>Encodes a prompt.</summary>
    /// <param name="prompt">The text.</param>
    /// <param name="secondPrompt">Text for the second encoder of families that have two; null is the same.</param>
    /// <param name="clipSkip">Layers left out at the end.</param>
    /// <param name="chunks">Chunks to fill with empty ones at least.</param>
    /// <exception cref="InvalidJobException">More layers are to be left out than there are.</exception>
    public EncodedPrompt Encode(string prompt, string? secondPrompt, int clipSkip, int chunks = 1)
    {
        var key = new Key(prompt, secondPrompt == prompt ? null : secondPrompt, clipSkip, chunks, IsPlain);
        if (_cache.TryGetValue(key, out var node))
        {
            // One changed bit in the night's negative prompt would make every image from here on wrong.
            if (node.Value.Prompt.Digest() == node.Value.Digest)
            {
                Hits++;
                _order.Remove(node);
                _order.AddLast(node);
                return node.Value.Prompt;
            }

            logger?.PromptDamaged();
            Drop(node);
        }

        var encoded = Compute(key);
        node = _order.AddLast(new Entry(key, encoded, encoded.Digest()));
        _cache.Add(key, node);
        _bytes += encoded.SizeBytes;
        while (_bytes > maxCacheBytes && _order.Count > 1) Drop(_order.First!);
        return encoded;
    }

    /// <summary>Changes the learned words (owned from now on); what was encoded with or without them is dropped.</summary>
    public void Use(IReadOnlyList<TextEmbedding> embeddings)
    {
        if (embeddings.Count == 0 && Embeddings.Count == 0) return;
        foreach (var word in Embeddings) word.Dispose();
        Embeddings = embeddings;
        _wordDigests = [.. Embeddings.Select(word => word.Digest())];
        Forget();
    }

    /// <summary>Triggers of learned words whose vectors are not what they were when they came.</summary>
    public IReadOnlyList<string> FindDamagedWords() =>
        [.. Embeddings.Where((word, i) => word.Digest() != _wordDigests[i]).Select(word => word.Trigger)];

    /// <summary>Drops everything kept.</summary>
    public void Forget()
    {
        while (_order.First is { } first) Drop(first);
    }

    public void Dispose()
    {
        Use([]);
        Forget();
    }

    private void Drop(LinkedListNode<Entry> node)
    {
        _order.Remove(node);
        _cache.Remove(node.Value.Key);
        _bytes -= node.Value.Prompt.SizeBytes;
        node.Value.Prompt.Dispose();
    }

    private EncodedPrompt Compute(Key key)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var count = Math.Max(key.Chunks, ChunksOf(key.Prompt, key.SecondPrompt));
        var contexts = new List<Tensor>();
        Tensor? pooled = null;
        for (var i = 0; i < model.TextEncoders.Count; i++)
        {
            var (context, own) = EncodeWith(i, i == 0 ? key.Prompt : key.SecondPrompt ?? key.Prompt, key.ClipSkip, count);
            contexts.Add(context);
            pooled = own ?? pooled;
        }

        var joined = contexts.Count == 1 ? contexts[0] : cat(contexts, -1); // [1, n T, X]
        return new EncodedPrompt(joined.DetachFromDisposeScope(), pooled?.DetachFromDisposeScope());
    }

    private (Tensor Context, Tensor? Pooled) EncodeWith(int encoder, string text, int clipSkip, int count)
    {
        var (tokenizer, network) = model.TextEncoders[encoder];
        var parts = IsPlain ? [new PromptPart(text, 1)] : PromptSyntax.Parse(text);
        var chunks = PromptChunks.Cut(tokenizer, parts, Embeddings);
        if (IsPlain) chunks.RemoveRange(1, chunks.Count - 1);
        while (chunks.Count < count) chunks.Add([]);
        var layers = network.LayerCount;
        var reading = model.Family.Text;
        var used = layers - clipSkip - reading.LayersLeftOut;
        if (used < 1) throw new InvalidJobException($"clip_skip {clipSkip} leaves no layer of the text encoder, which has {layers}.");
        var states = new List<Tensor>();
        Tensor? pooled = null;
        foreach (var chunk in chunks)
        {
            var ids = tensor(tokenizer.Pad(chunk.Select(token => token.Id).ToArray()), device: model.Device).unsqueeze(0); // [1, T] i64
            var state = network.Run(network.Start(WithEmbeddings(network.Rows(ids), chunk, encoder)), 0, used); // [1, T, D]
            // The pooled text is that of the first chunk; weights do not change it.
            // [1, P]
            if (network.ProjectionWidth > 0)
                pooled ??= network.Project(network.AtEnd(network.FinalNorm(network.Run(state, used, layers)), EndIds(tokenizer, chunk)));
            states.Add(Weighted(reading.UsesFinalNorm ? network.FinalNorm(state) : state, chunk));
        }

        return (states.Count == 1 ? states[0] : cat(states, 1), pooled);
    }

    // The ids in which the end of a text is looked for: a learned word has the end token's id, but ends nothing.
    private Tensor EndIds(ClipTokenizer tokenizer, List<ChunkToken> chunk) =>
        // [1, T] i64
        tensor(tokenizer.Pad(chunk.Select(token => token.Embedding is null ? token.Id : 0).ToArray()), device: model.Device).unsqueeze(0);

    private static Tensor WithEmbeddings(Tensor rows, List<ChunkToken> chunk, int encoder)
    {
        for (var i = 0; i < chunk.Count; i++)
        {
            // A word without vectors for this encoder, or with fewer than for the other, leaves the end token there.
            if (chunk[i].Embedding?.Vectors[encoder] is not { } vectors || chunk[i].Row >= vectors.shape[0]) continue;
            rows.select(1, i + 1).copy_(vectors[chunk[i].Row]);
        }

        return rows;
    }

    // Each token's state is multiplied; then all are scaled so that their mean is what it was (modules/sd_emphasis.py, EmphasisOriginal).
    private Tensor Weighted(Tensor state, List<ChunkToken> chunk)
    {
        if (chunk.TrueForAll(token => token.Weight == 1)) return state;
        var factors = new float[state.shape[1]];
        Array.Fill(factors, 1);
        for (var i = 0; i < chunk.Count; i++) factors[i + 1] = (float)chunk[i].Weight;
        var full = state.to(ScalarType.Float32);
        var weighted = full * tensor(factors, device: model.Device).view(1, -1, 1);
        return (weighted * (full.mean() / weighted.mean())).to(state.dtype);
    }

    private sealed record Key(string Prompt, string? SecondPrompt, int ClipSkip, int Chunks, bool IsPlain);

    private sealed record Entry(Key Key, EncodedPrompt Prompt, UInt128 Digest);
}
