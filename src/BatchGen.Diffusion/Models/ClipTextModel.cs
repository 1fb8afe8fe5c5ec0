using BatchGen.Core.Failures;
using BatchGen.Diffusion.Weights;
using static TorchSharp.torch;

namespace BatchGen.Diffusion.Models;

// Letters in shapes: B texts, T tokens (77), D width, h heads, d = D / h.

/// <summary>CLIP's text encoder: transformers' CLIPTextModel and CLIPTextModelWithProjection.</summary>
/// <remarks>Radford et al. 2021 (arXiv:2103.00020); arithmetic after transformers 4.40, models/clip/modeling_clip.py.</remarks>
internal sealed class ClipTextModel
{
    private readonly Weight token_embedding;
    private readonly Weight position_embedding;
    private readonly Layer[] layers;
    private readonly LayerNorm final_layer_norm;
    private readonly Linear? text_projection;
    private readonly long _endId;

    public ClipTextModel(ConfigFile config, ComponentWeights weights, bool hasProjection)
    {
        config.Require("hidden_act", "quick_gelu", "quick_gelu", "gelu");
        Width = config.Integer("hidden_size");
        MaxLength = config.Integer("max_position_embeddings", 77);
        VocabularySize = config.Integer("vocab_size");
        _endId = config.Integer("eos_token_id", 2);
        var heads = config.Integer("num_attention_heads");
        if (heads < 1 || Width % heads != 0)
            throw new ModelException($"'{config.Path}' has hidden_size {Width}, which {heads} heads cannot share.");
        var eps = config.Number("layer_norm_eps", 1e-5);
        var quick = config.Text("hidden_act", "quick_gelu") == "quick_gelu";
        token_embedding = weights.Take("text_model.embeddings.token_embedding.weight", VocabularySize, Width);
        position_embedding = weights.Take("text_model.embeddings.position_embedding.weight", MaxLength, Width);
        layers = new Layer[config.Integer("num_hidden_layers")];
        for (var i = 0; i < layers.Length; i++)
            layers[i] = new Layer(weights, $"text_model.encoder.layers.{i}", Width, config.Integer("intermediate_size"), heads, eps, quick);
        final_layer_norm = new LayerNorm(weights, "text_model.final_layer_norm", Width, eps);
        if (hasProjection)
        {
            ProjectionWidth = config.Integer("projection_dim");
            text_projection = new Linear(weights, "text_projection", Width, ProjectionWidth, bias: false);
        }
    }

    /// <summary>Width of the hidden states.</summary>
    public long Width { get; }

    /// <summary>Width of the pooled text; 0 without a projection.</summary>
    public long ProjectionWidth { get; }

    /// <summary>Longest text in tokens.</summary>
    public long MaxLength { get; }

    /// <summary>Number of token ids.</summary>
    public long VocabularySize { get; }

    /// <summary>Number of transformer layers.</summary>
    public int LayerCount => layers.Length;

    /// <summary>The rows of the token table for ids, [B, T] int64 to [B, T, D].</summary>
    public Tensor Rows(Tensor ids)
    {
        using var scope = NewDisposeScope();
        return token_embedding.Value.index_select(0, ids.reshape(-1)).view(ids.shape[0], ids.shape[1], Width).MoveToOuterDisposeScope();
    }

    /// <summary>Adds the positions: what the first layer reads, [B, T, D] to [B, T, D].</summary>
    public Tensor Start(Tensor rows)
    {
        using var scope = NewDisposeScope();
        return (rows + position_embedding.Value.narrow(0, 0, rows.shape[1])).MoveToOuterDisposeScope();
    }

    /// <summary>Runs some of the layers.</summary>
    /// <param name="x">[B, T, D], the state before layer <paramref name="from"/>.</param>
    /// <param name="from">First layer to run.</param>
    /// <param name="to">Layer to stop before.</param>
    /// <returns>[B, T, D], before the final layer norm.</returns>
    public Tensor Run(Tensor x, int from, int to)
    {
        using var scope = NewDisposeScope();
        var state = x.alias();
        for (var i = from; i < to; i++)
        {
            var next = layers[i].Forward(state);
            state.Dispose();
            state = next;
        }

        return state.MoveToOuterDisposeScope();
    }

    /// <summary>The final layer norm, [B, T, D] to [B, T, D].</summary>
    public Tensor FinalNorm(Tensor hidden) => final_layer_norm.Forward(hidden);

    /// <summary>The state at each text's end token.</summary>
    /// <param name="normed">[B, T, D], all layers and the final norm.</param>
    /// <param name="ids">[B, T] int64.</param>
    /// <returns>[B, D].</returns>
    public Tensor AtEnd(Tensor normed, Tensor ids)
    {
        using var scope = NewDisposeScope();
        // Configs of before 2023 say eos_token_id 2, which no text holds; transformers then takes the largest id, the end token of the real
        // vocabulary. argmax gives the first of equal values.
        var at = _endId == 2 ? ids.argmax(-1) : ids.eq(_endId).to(ScalarType.Int32).argmax(-1); // [B]
        var rows = arange(normed.shape[0], device: normed.device);
        return normed.index(TensorIndex.Tensor(rows), TensorIndex.Tensor(at.to(normed.device))).MoveToOuterDisposeScope();
    }

    /// <summary>The pooled text (transformers: text_embeds), [B, D] to [B, P].</summary>
    public Tensor Project(Tensor pooled) =>
        (text_projection ?? throw new InvalidOperationException("This text encoder has no projection.")).Forward(pooled);

    private sealed class Layer
    {
        private readonly LayerNorm layer_norm1;
        private readonly Linear q_proj;
        private readonly Linear k_proj;
        private readonly Linear v_proj;
        private readonly Linear out_proj;
        private readonly LayerNorm layer_norm2;
        private readonly Linear fc1;
        private readonly Linear fc2;
        private readonly long _heads;
        private readonly bool _quick;

        public Layer(ComponentWeights weights, string key, long width, long inner, long heads, double eps, bool quick)
        {
            (_heads, _quick) = (heads, quick);
            layer_norm1 = new LayerNorm(weights, key + ".layer_norm1", width, eps);
            q_proj = new Linear(weights, key + ".self_attn.q_proj", width, width);
            k_proj = new Linear(weights, key + ".self_attn.k_proj", width, width);
            v_proj = new Linear(weights, key + ".self_attn.v_proj", width, width);
            out_proj = new Linear(weights, key + ".self_attn.out_proj", width, width);
            layer_norm2 = new LayerNorm(weights, key + ".layer_norm2", width, eps);
            fc1 = new Linear(weights, key + ".mlp.fc1", width, inner);
            fc2 = new Linear(weights, key + ".mlp.fc2", inner, width);
        }

        public Tensor Forward(Tensor x)
        {
            using var scope = NewDisposeScope();
            var normed = layer_norm1.Forward(x);
            var attended = ScaledAttention.Forward(
                // [B, h, T, d]
                Heads(q_proj.Forward(normed)), Heads(k_proj.Forward(normed)), Heads(v_proj.Forward(normed)), isCausal: true);
            var y = out_proj.Forward(attended.transpose(1, 2).reshape(x.shape)).add_(x);
            var inner = fc1.Forward(layer_norm2.Forward(y)); // [B, T, inner]
            var active = _quick ? inner * inner.mul(1.702).sigmoid_() : inner.gelu();
            return fc2.Forward(active).add_(y).MoveToOuterDisposeScope();
        }

        private Tensor Heads(Tensor x) => x.view(x.shape[0], x.shape[1], _heads, x.shape[2] / _heads).transpose(1, 2);
    }
}
