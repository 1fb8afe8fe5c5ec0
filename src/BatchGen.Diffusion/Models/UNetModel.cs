using BatchGen.Core.Failures;
using BatchGen.Diffusion.Weights;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace BatchGen.Diffusion.Models;

// Letters in shapes: B images, C channels, H and W rows and columns of the level at hand, L = H W, E width of the time embedding,
// T text tokens, X width of the texts, h heads, d = C / h. Element type is the compute type of the weights unless stated.

/// <summary>The denoising network: diffusers' UNet2DConditionModel as Stable Diffusion 1.x, 2.x and XL use it.</summary>
/// <remarks>
/// Rombach et al. 2022 (arXiv:2112.10752), Podell et al. 2023 (arXiv:2307.01952, size and pooled-text conditioning); arithmetic after
/// diffusers 0.30.3, models/unets/unet_2d_condition.py. Every size comes from config.json; settings that would change the arithmetic are
/// refused.
/// </remarks>
internal sealed class UNetModel
{
    private readonly TimestepEmbedding time_embedding;
    private readonly TimestepEmbedding? add_embedding;
    private readonly Convolution conv_in;
    private readonly Block[] down_blocks;
    private readonly Block mid_block;
    private readonly Block[] up_blocks;
    private readonly GroupNorm conv_norm_out;
    private readonly Convolution conv_out;
    private readonly long _timeWidth;
    private readonly long _sizeWidth;
    private readonly bool _cosineFirst;
    private readonly double _frequencyShift;

    public UNetModel(ConfigFile config, ComponentWeights weights)
    {
        CheckConfig(config);
        var channels = config.Integers("block_out_channels");
        var count = channels.Length;
        InputChannels = config.Integer("in_channels", 4);
        if (InputChannels != 4 || config.Integer("out_channels", 4) != 4)
            throw new ModelException($"'{config.Path}' is a network with {InputChannels} input channels, as inpainting or editing models "
                + "have; only text-to-image models with 4 are supported.");
        var downTypes = Types(config, "down_block_types", count, "DownBlock2D", "CrossAttnDownBlock2D");
        var upTypes = Types(config, "up_block_types", count, "UpBlock2D", "CrossAttnUpBlock2D");
        // The published configs of these families call the number of heads attention_head_dim.
        var heads = config.Has("num_attention_heads") ? config.IntegerPerBlock("num_attention_heads", count)
            : config.IntegerPerBlock("attention_head_dim", count, 8);
        var depths = config.IntegerPerBlock("transformer_layers_per_block", count, 1);
        var layers = config.IntegerPerBlock("layers_per_block", count, 2);
        var contexts = config.IntegerPerBlock("cross_attention_dim", count, 1280);
        ContextWidth = contexts[0];
        _timeWidth = channels[0];
        _cosineFirst = config.Flag("flip_sin_to_cos", true);
        _frequencyShift = config.Number("freq_shift", 0);
        var embedding = config.Integer("time_embedding_dim", channels[0] * 4);
        var build = new Settings(
            weights, embedding, config.Integer("norm_num_groups", 32), config.Number("norm_eps", 1e-5),
            config.Flag("use_linear_projection", false), config.Flag("upcast_attention", false));

        conv_in = new Convolution(weights, "conv_in", InputChannels, channels[0], 3, padding: 1);
        GuidanceWidth = config.Integer("time_cond_proj_dim", 0);
        time_embedding = new TimestepEmbedding(weights, "time_embedding", channels[0], embedding, GuidanceWidth);
        if (config.Has("addition_embed_type"))
        {
            _sizeWidth = config.Integer("addition_time_embed_dim");
            var width = config.Integer("projection_class_embeddings_input_dim");
            PooledWidth = width - 6 * _sizeWidth;
            if (PooledWidth <= 0)
                throw new ModelException($"'{config.Path}': projection_class_embeddings_input_dim {width} leaves no room for a pooled text "
                    + $"beside six numbers of width {_sizeWidth}.");
            add_embedding = new TimestepEmbedding(weights, "add_embedding", width, embedding, 0);
        }

        // Channels of the skip connections in the order they are made; the up blocks take them from the end.
        var skips = new Stack<long>();
        skips.Push(channels[0]);
        down_blocks = new Block[count];
        var current = channels[0];
        for (var i = 0; i < count; i++)
        {
            var key = $"down_blocks.{i}";
            var resnets = new List<ResnetBlock>();
            var attentions = new List<Transformer>();
            for (var j = 0; j < layers[i]; j++)
            {
                resnets.Add(new ResnetBlock(build, $"{key}.resnets.{j}", current, channels[i]));
                if (downTypes[i] == "CrossAttnDownBlock2D")
                    attentions.Add(new Transformer(build, $"{key}.attentions.{j}", channels[i], heads[i], depths[i], contexts[i]));
                current = channels[i];
                skips.Push(current);
            }

            var sampler = i < count - 1 ? new Convolution(weights, $"{key}.downsamplers.0.conv", current, current, 3, stride: 2,
                padding: config.Integer("downsample_padding", 1)) : null;
            if (sampler is not null) skips.Push(current);
            down_blocks[i] = new Block([.. resnets], [.. attentions], sampler);
        }

        mid_block = new Block(
            [new ResnetBlock(build, "mid_block.resnets.0", current, current),
                new ResnetBlock(build, "mid_block.resnets.1", current, current)],
            [new Transformer(build, "mid_block.attentions.0", current, heads[^1], depths[^1], contexts[^1])],
            null);

        up_blocks = new Block[count];
        for (var i = 0; i < count; i++)
        {
            var key = $"up_blocks.{i}";
            var level = count - 1 - i;
            var resnets = new List<ResnetBlock>();
            var attentions = new List<Transformer>();
            for (var j = 0; j < layers[level] + 1; j++)
            {
                resnets.Add(new ResnetBlock(build, $"{key}.resnets.{j}", current + skips.Pop(), channels[level]));
                if (upTypes[i] == "CrossAttnUpBlock2D")
                    attentions.Add(
                        new Transformer(build, $"{key}.attentions.{j}", channels[level], heads[level], depths[level], contexts[level]));
                current = channels[level];
            }

            var sampler = i < count - 1 ? new Convolution(weights, $"{key}.upsamplers.0.conv", current, current, 3, padding: 1) : null;
            up_blocks[i] = new Block([.. resnets], [.. attentions], sampler);
        }

        conv_norm_out = new GroupNorm(weights, "conv_norm_out", build.Groups, current, build.Eps);
        conv_out = new Convolution(weights, "conv_out", current, 4, 3, padding: 1);
    }

    /// <summary>Channels of the latents.</summary>
    public long InputChannels { get; }

    /// <summary>Width of the texts that cross-attention reads.</summary>
    public long ContextWidth { get; }

    /// <summary>Width of the pooled text that is added to the time; 0 where none is.</summary>
    public long PooledWidth { get; }

    /// <summary>Width of the guidance embedding of distilled models; 0 for all others.</summary>
    public long GuidanceWidth { get; }

    /// <summary>Predicts the noise (or velocity) in latents.</summary>
    /// <param name="sample">[B, 4, H, W].</param>
    /// <param name="timesteps">[B] float32 on the CPU or the device; [1] when all are at one time.</param>
    /// <param name="context">[B, T, X] texts.</param>
    /// <param name="pooled">[B, P] pooled texts; only where <see cref="PooledWidth"/> is not 0.</param>
    /// <param name="sizes">[B, 6] original height and width, crop top and left, target height and width, float32; only where
    /// <see cref="PooledWidth"/> is not 0.</param>
    /// <param name="guidance">Guidance scale less one, for distilled models; ignored by all others.</param>
    /// <returns>[B, 4, H, W].</returns>
    public Tensor Forward(Tensor sample, Tensor timesteps, Tensor context, Tensor? pooled = null, Tensor? sizes = null, double guidance = 0)
    {
        using var scope = NewDisposeScope();
        // [B or 1, E], already through the activation every resnet starts with
        var time = EmbedTime(sample, timesteps, pooled, sizes, guidance);
        var skips = new Stack<Tensor>();
        var x = MemoryLayout.Suit(conv_in.Forward(sample));
        skips.Push(x);
        foreach (var block in down_blocks) x = block.Down(x, time, context, skips);
        x = mid_block.Middle(x, time, context);
        foreach (var block in up_blocks) x = block.Up(x, time, context, skips);
        return conv_out.Forward(Activation.SiluInPlace(conv_norm_out.Forward(x))).MoveToOuterDisposeScope();
    }

    private static void CheckConfig(ConfigFile config)
    {
        config.Require("_class_name", "UNet2DConditionModel", "UNet2DConditionModel");
        config.Require("act_fn", "silu", "silu", "swish");
        config.Require("addition_embed_type", "null", "null", "text_time");
        config.Require("attention_type", "default", "default");
        config.Require("center_input_sample", "false", "false");
        config.Require("class_embed_type", "null", "null");
        config.Require("conv_in_kernel", "3", "3");
        config.Require("conv_out_kernel", "3", "3");
        config.Require("cross_attention_norm", "null", "null");
        config.Require("dual_cross_attention", "false", "false");
        config.Require("encoder_hid_dim", "null", "null");
        config.Require("encoder_hid_dim_type", "null", "null");
        config.Require("mid_block_only_cross_attention", "null", "null", "false");
        config.Require("mid_block_scale_factor", "1", "1", "1.0");
        config.Require("mid_block_type", "UNetMidBlock2DCrossAttn", "UNetMidBlock2DCrossAttn");
        config.Require("num_class_embeds", "null", "null");
        config.Require("only_cross_attention", "false", "false");
        config.Require("resnet_out_scale_factor", "1.0", "1", "1.0");
        config.Require("resnet_skip_time_act", "false", "false");
        config.Require("resnet_time_scale_shift", "default", "default");
        config.Require("reverse_transformer_layers_per_block", "null", "null");
        config.Require("time_embedding_act_fn", "null", "null");
        config.Require("time_embedding_type", "positional", "positional");
        config.Require("timestep_post_act", "null", "null");
    }

    private static string[] Types(ConfigFile config, string key, int count, params string[] known)
    {
        var types = config.Texts(key);
        if (types.Length != count)
            throw new ModelException($"'{config.Path}' has {types.Length} names in '{key}', but {count} in block_out_channels.");
        var unknown = types.FirstOrDefault(type => !known.Contains(type));
        return unknown is null ? types
            : throw new ModelException($"'{config.Path}' names the block '{unknown}' in '{key}'; known are {string.Join(" and ", known)}.");
    }

    private Tensor EmbedTime(Tensor sample, Tensor timesteps, Tensor? pooled, Tensor? sizes, double guidance)
    {
        using var scope = NewDisposeScope();
        var waves = Waves(timesteps.to(sample.device), _timeWidth, _cosineFirst, _frequencyShift).to(sample.dtype); // [B, C0]
        Tensor? strength = null;
        if (GuidanceWidth > 0)
        {
            // The guidance a distilled model was asked for, as waves of 1000 times its value: sine first, half - 1 in the exponent
            // (Luo et al. 2023, arXiv:2310.04378; diffusers, pipeline_latent_consistency_text2img.py).
            var scaled = full([timesteps.shape[0]], guidance * 1000, ScalarType.Float32, sample.device);
            strength = Waves(scaled, GuidanceWidth, cosineFirst: false, shift: 1).to(sample.dtype);
        }

        var time = time_embedding.Forward(waves, strength);
        if (add_embedding is not null)
        {
            if (pooled is null || sizes is null) throw new InvalidOperationException("This model needs a pooled text and sizes.");
            // [B, 6 S] f32
            var numbers = Waves(sizes.to(sample.device).reshape(-1), _sizeWidth, _cosineFirst, _frequencyShift).reshape(sizes.shape[0], -1);
            time = time + add_embedding.Forward(cat([pooled.to(sample.dtype), numbers.to(sample.dtype)], -1), null);
        }

        return Activation.SiluInPlace(time).MoveToOuterDisposeScope();
    }

    // Sinusoidal embedding in float32 (Vaswani et al. 2017, section 3.5; diffusers, models/embeddings.py get_timestep_embedding).
    private static Tensor Waves(Tensor values, long width, bool cosineFirst, double shift)
    {
        using var scope = NewDisposeScope();
        var half = width / 2;
        var exponents = arange(half, ScalarType.Float32, values.device).mul_(-Math.Log(10_000)).div_(half - shift).exp_(); // [half]
        var angles = values.to(ScalarType.Float32).unsqueeze(1) * exponents.unsqueeze(0); // [B, half] f32
        var (sine, cosine) = (angles.sin(), angles.cos());
        var waves = cosineFirst ? cat([cosine, sine], -1) : cat([sine, cosine], -1);
        return (width % 2 == 0 ? waves : F.pad(waves, [0, 1])).MoveToOuterDisposeScope();
    }

    /// <summary>What all blocks are built from.</summary>
    private sealed record Settings(
        ComponentWeights Weights, long Embedding, long Groups, double Eps, bool LinearProjection, bool UpcastAttention);

    /// <summary>Two linear layers over waves.</summary>
    private sealed class TimestepEmbedding(ComponentWeights weights, string key, long inputs, long outputs, long conditionWidth)
    {
        private readonly Linear linear_1 = new(weights, key + ".linear_1", inputs, outputs);
        private readonly Linear linear_2 = new(weights, key + ".linear_2", outputs, outputs);
        private readonly Linear? cond_proj =
            conditionWidth > 0 ? new Linear(weights, key + ".cond_proj", conditionWidth, inputs, bias: false) : null;

        public Tensor Forward(Tensor x, Tensor? condition)
        {
            using var scope = NewDisposeScope();
            if (cond_proj is not null && condition is not null) x = x + cond_proj.Forward(condition);
            return linear_2.Forward(Activation.SiluInPlace(linear_1.Forward(x))).MoveToOuterDisposeScope();
        }
    }

    /// <summary>One resolution level, on the way down, in the middle or on the way up.</summary>
    private sealed class Block(ResnetBlock[] resnets, Transformer[] attentions, Convolution? sampler)
    {
        public Tensor Down(Tensor x, Tensor time, Tensor context, Stack<Tensor> skips)
        {
            for (var i = 0; i < resnets.Length; i++)
            {
                var y = resnets[i].Forward(x, time);
                // x itself stays: it is a skip connection.
                x = attentions.Length > 0 ? Replace(y, attentions[i].Forward(y, context)) : y;
                skips.Push(x);
            }

            if (sampler is null) return x;
            x = MemoryLayout.Suit(sampler.Forward(x));
            skips.Push(x);
            return x;
        }

        public Tensor Middle(Tensor x, Tensor time, Tensor context)
        {
            var y = resnets[0].Forward(x, time);
            y = Replace(y, attentions[0].Forward(y, context));
            return Replace(y, resnets[1].Forward(y, time));
        }

        public Tensor Up(Tensor x, Tensor time, Tensor context, Stack<Tensor> skips)
        {
            for (var i = 0; i < resnets.Length; i++)
            {
                using var skip = skips.Pop();
                using var joined = cat([x, skip], 1);
                x = Replace(x, resnets[i].Forward(joined, time));
                if (attentions.Length > 0) x = Replace(x, attentions[i].Forward(x, context));
            }

            if (sampler is null) return x;
            // To the size of the next skip connection: twice as large, or one less where a level had an odd size.
            var size = skips.Peek().shape;
            using var larger = MemoryLayout.Suit(F.interpolate(x, [size[2], size[3]], mode: InterpolationMode.Nearest));
            return Replace(x, sampler.Forward(larger));
        }

        private static Tensor Replace(Tensor old, Tensor next)
        {
            old.Dispose();
            return next;
        }
    }

    /// <summary>Two convolutions with the time between them, around a skip connection.</summary>
    private sealed class ResnetBlock(Settings build, string key, long inputs, long outputs)
    {
        private readonly GroupNorm norm1 = new(build.Weights, key + ".norm1", build.Groups, inputs, build.Eps);
        private readonly Convolution conv1 = new(build.Weights, key + ".conv1", inputs, outputs, 3, padding: 1);
        private readonly Linear time_emb_proj = new(build.Weights, key + ".time_emb_proj", build.Embedding, outputs);
        private readonly GroupNorm norm2 = new(build.Weights, key + ".norm2", build.Groups, outputs, build.Eps);
        private readonly Convolution conv2 = new(build.Weights, key + ".conv2", outputs, outputs, 3, padding: 1);
        private readonly Convolution? conv_shortcut =
            inputs != outputs ? new Convolution(build.Weights, key + ".conv_shortcut", inputs, outputs, 1) : null;

        public Tensor Forward(Tensor x, Tensor time)
        {
            using var scope = NewDisposeScope();
            var y = Activation.SiluInPlace(norm1.Forward(x));
            y = conv1.Forward(y); // [B, C, H, W]
            y.add_(time_emb_proj.Forward(time).unsqueeze(-1).unsqueeze(-1));
            y = Activation.SiluInPlace(norm2.Forward(y));
            y = conv2.Forward(y);
            return y.add_(conv_shortcut?.Forward(x) ?? x).MoveToOuterDisposeScope();
        }
    }

    /// <summary>Transformer layers over the pixels of one level.</summary>
    private sealed class Transformer
    {
        private readonly GroupNorm norm;
        private readonly Linear proj_in;
        private readonly Linear proj_out;
        private readonly TransformerLayer[] transformer_blocks;

        public Transformer(Settings build, string key, long channels, long heads, long depth, long contextWidth)
        {
            if (heads < 1 || channels % heads != 0)
                throw new ModelException(
                    $"The UNet's config.json gives {channels} channels to {heads} attention heads, which cannot share them.");
            norm = new GroupNorm(build.Weights, key + ".norm", build.Groups, channels, 1e-6);
            proj_in = new Linear(build.Weights, key + ".proj_in", channels, channels, isKernel: !build.LinearProjection);
            proj_out = new Linear(build.Weights, key + ".proj_out", channels, channels, isKernel: !build.LinearProjection);
            transformer_blocks = new TransformerLayer[depth];
            for (var i = 0; i < depth; i++)
                transformer_blocks[i] = new TransformerLayer(build, $"{key}.transformer_blocks.{i}", channels, heads, contextWidth);
        }

        public Tensor Forward(Tensor x, Tensor context)
        {
            using var scope = NewDisposeScope();
            var (batch, channels, height, width) = (x.shape[0], x.shape[1], x.shape[2], x.shape[3]);
            var y = proj_in.Forward(norm.Forward(x).permute(0, 2, 3, 1).reshape(batch, height * width, channels)); // [B, L, C]
            foreach (var layer in transformer_blocks)
            {
                var next = layer.Forward(y, context);
                y.Dispose();
                y = next;
            }

            y = proj_out.Forward(y).view(batch, height, width, channels).permute(0, 3, 1, 2); // [B, C, H, W]
            // x first: the sum lies in memory as x does.
            return (x + y).MoveToOuterDisposeScope();
        }
    }

    /// <summary>Attention among pixels, attention to the text, and a gated feed-forward layer.</summary>
    private sealed class TransformerLayer(Settings build, string key, long channels, long heads, long contextWidth)
    {
        private readonly LayerNorm norm1 = new(build.Weights, key + ".norm1", channels, 1e-5);
        private readonly Attention attn1 = new(build, key + ".attn1", channels, heads, channels);
        private readonly LayerNorm norm2 = new(build.Weights, key + ".norm2", channels, 1e-5);
        private readonly Attention attn2 = new(build, key + ".attn2", channels, heads, contextWidth);
        private readonly LayerNorm norm3 = new(build.Weights, key + ".norm3", channels, 1e-5);
        private readonly Linear ff_in = new(build.Weights, key + ".ff.net.0.proj", channels, channels * 8);
        private readonly Linear ff_out = new(build.Weights, key + ".ff.net.2", channels * 4, channels);

        public Tensor Forward(Tensor x, Tensor context)
        {
            using var scope = NewDisposeScope();
            var normed = norm1.Forward(x);
            var y = attn1.Forward(normed, normed).add_(x); // [B, L, C]
            y.add_(attn2.Forward(norm2.Forward(y), context));
            normed = norm3.Forward(y);
            // GEGLU (Shazeer 2020, arXiv:2002.05202): the second half of the outputs gates the first. Each half alone lies in one piece.
            // [B, L, 4 C]
            var gate = Activation.GeluInPlace(ff_in.Forward(normed, channels * 4, channels * 4));
            var gated = gate.mul_(ff_in.Forward(normed, 0, channels * 4));
            return ff_out.Forward(gated).add_(y).MoveToOuterDisposeScope();
        }
    }

    /// <summary>Attention of pixels to pixels or to text tokens.</summary>
    private sealed class Attention(Settings build, string key, long channels, long heads, long contextWidth)
    {
        private readonly Linear to_q = new(build.Weights, key + ".to_q", channels, channels, bias: false);
        private readonly Linear to_k = new(build.Weights, key + ".to_k", contextWidth, channels, bias: false);
        private readonly Linear to_v = new(build.Weights, key + ".to_v", contextWidth, channels, bias: false);
        private readonly Linear to_out = new(build.Weights, key + ".to_out.0", channels, channels);

        public Tensor Forward(Tensor x, Tensor context)
        {
            using var scope = NewDisposeScope();
            var (q, k, v) = (Heads(to_q.Forward(x)), Heads(to_k.Forward(context)), Heads(to_v.Forward(context))); // [B, h, L or T, d]
            var type = x.dtype;
            if (build.UpcastAttention && type == ScalarType.Float16)
            {
                // SD 2.x has scores beyond float16's range.
                (q, k, v) = (q.to(ScalarType.Float32), k.to(ScalarType.Float32), v.to(ScalarType.Float32));
            }

            var attended = ScaledAttention.Forward(q, k, v).to(type);
            return to_out.Forward(attended.transpose(1, 2).reshape(x.shape)).MoveToOuterDisposeScope();
        }

        private Tensor Heads(Tensor x) => x.view(x.shape[0], x.shape[1], heads, x.shape[2] / heads).transpose(1, 2);
    }
}
