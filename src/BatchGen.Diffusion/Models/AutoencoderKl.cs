using BatchGen.Core.Failures;
using BatchGen.Diffusion.Weights;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace BatchGen.Diffusion.Models;

// Letters in shapes: B images, C channels, H and W rows and columns of the level at hand, L = H W, Z latent channels.

/// <summary>The network between images and latents: diffusers' AutoencoderKL.</summary>
/// <remarks>
/// Rombach et al. 2022 (arXiv:2112.10752, section 3.1); arithmetic after diffusers 0.30.3, models/autoencoders/autoencoder_kl.py and
/// vae.py.
/// </remarks>
internal sealed class AutoencoderKl
{
    private const double Eps = 1e-6;
    private readonly Encoder encoder;
    private readonly Decoder decoder;
    private readonly Convolution? quant_conv;
    private readonly Convolution? post_quant_conv;

    public AutoencoderKl(ConfigFile config, ComponentWeights weights)
    {
        config.Require("_class_name", "AutoencoderKL", "AutoencoderKL");
        config.Require("act_fn", "silu", "silu", "swish");
        config.Require("shift_factor", "null", "null", "0", "0.0");
        config.Require("latents_mean", "null", "null");
        config.Require("latents_std", "null", "null");
        foreach (var type in config.Texts("down_block_types").Where(type => type != "DownEncoderBlock2D"))
            throw new ModelException($"'{config.Path}' names the block '{type}'; known is DownEncoderBlock2D.");
        foreach (var type in config.Texts("up_block_types").Where(type => type != "UpDecoderBlock2D"))
            throw new ModelException($"'{config.Path}' names the block '{type}'; known is UpDecoderBlock2D.");
        var channels = config.Integers("block_out_channels");
        LatentChannels = config.Integer("latent_channels", 4);
        ScalingFactor = config.Number("scaling_factor", 0.18215);
        Factor = 1 << (channels.Length - 1);
        NeedsFloat32 = config.Flag("force_upcast", true);
        var build = new Settings(weights, config.Integer("norm_num_groups", 32), config.Flag("mid_block_add_attention", true));
        var layers = config.Integer("layers_per_block", 1);
        encoder = new Encoder(build, channels, layers, config.Integer("in_channels", 3), LatentChannels * 2);
        decoder = new Decoder(build, channels, layers, LatentChannels, config.Integer("out_channels", 3));
        if (config.Flag("use_quant_conv", true))
            quant_conv = new Convolution(weights, "quant_conv", LatentChannels * 2, LatentChannels * 2, 1);
        if (config.Flag("use_post_quant_conv", true))
            post_quant_conv = new Convolution(weights, "post_quant_conv", LatentChannels, LatentChannels, 1);
    }

    /// <summary>Channels of the latents.</summary>
    public long LatentChannels { get; }

    /// <summary>Latents the UNet sees are this times those of the encoder.</summary>
    public double ScalingFactor { get; }

    /// <summary>Pixels per latent along a side.</summary>
    public int Factor { get; }

    /// <summary>True when float16 overflows inside, as its config says.</summary>
    public bool NeedsFloat32 { get; }

    /// <summary>Latents to images.</summary>
    /// <param name="latents">[B, Z, H, W], already divided by <see cref="ScalingFactor"/>.</param>
    /// <returns>[B, 3, H f, W f], about -1 to 1.</returns>
    public Tensor Decode(Tensor latents)
    {
        using var scope = NewDisposeScope();
        return decoder.Forward(post_quant_conv?.Forward(latents) ?? latents).MoveToOuterDisposeScope();
    }

    /// <summary>Images to the parameters of their latents' distribution.</summary>
    /// <param name="images">[B, 3, H f, W f], -1 to 1.</param>
    /// <returns>[B, 2 Z, H, W]: means, then logarithms of variances.</returns>
    public Tensor Moments(Tensor images)
    {
        using var scope = NewDisposeScope();
        var moments = encoder.Forward(images);
        return (quant_conv?.Forward(moments) ?? moments).MoveToOuterDisposeScope();
    }

    private sealed record Settings(ComponentWeights Weights, long Groups, bool Attention);

    private static Tensor Replace(Tensor old, Tensor next)
    {
        old.Dispose();
        return next;
    }

    private sealed class Encoder
    {
        private readonly Convolution conv_in;
        private readonly (ResnetBlock[] Resnets, Convolution? Downsampler)[] down_blocks;
        private readonly MidBlock mid_block;
        private readonly GroupNorm conv_norm_out;
        private readonly Convolution conv_out;

        public Encoder(Settings build, long[] channels, long layers, long inputs, long outputs)
        {
            conv_in = new Convolution(build.Weights, "encoder.conv_in", inputs, channels[0], 3, padding: 1);
            down_blocks = new (ResnetBlock[], Convolution?)[channels.Length];
            var current = channels[0];
            for (var i = 0; i < channels.Length; i++)
            {
                var resnets = new ResnetBlock[layers];
                for (var j = 0; j < layers; j++)
                {
                    resnets[j] = new ResnetBlock(build, $"encoder.down_blocks.{i}.resnets.{j}", current, channels[i]);
                    current = channels[i];
                }

                down_blocks[i] = (resnets, i < channels.Length - 1
                    ? new Convolution(build.Weights, $"encoder.down_blocks.{i}.downsamplers.0.conv", current, current, 3, stride: 2)
                    : null);
            }

            mid_block = new MidBlock(build, "encoder.mid_block", current);
            conv_norm_out = new GroupNorm(build.Weights, "encoder.conv_norm_out", build.Groups, current, Eps);
            conv_out = new Convolution(build.Weights, "encoder.conv_out", current, outputs, 3, padding: 1);
        }

        public Tensor Forward(Tensor images)
        {
            using var scope = NewDisposeScope();
            var x = MemoryLayout.Suit(conv_in.Forward(images));
            foreach (var (resnets, downsampler) in down_blocks)
            {
                foreach (var resnet in resnets) x = Replace(x, resnet.Forward(x));
                if (downsampler is null) continue;
                // One row and column of zeros, at the bottom and right only.
                using var padded = F.pad(x, [0, 1, 0, 1]);
                x = Replace(x, downsampler.Forward(padded));
            }

            x = Replace(x, mid_block.Forward(x));
            return conv_out.Forward(conv_norm_out.Forward(x).silu_()).MoveToOuterDisposeScope();
        }
    }

    private sealed class Decoder
    {
        private readonly Convolution conv_in;
        private readonly MidBlock mid_block;
        private readonly (ResnetBlock[] Resnets, Convolution? Upsampler)[] up_blocks;
        private readonly GroupNorm conv_norm_out;
        private readonly Convolution conv_out;

        public Decoder(Settings build, long[] channels, long layers, long inputs, long outputs)
        {
            var current = channels[^1];
            conv_in = new Convolution(build.Weights, "decoder.conv_in", inputs, current, 3, padding: 1);
            mid_block = new MidBlock(build, "decoder.mid_block", current);
            up_blocks = new (ResnetBlock[], Convolution?)[channels.Length];
            for (var i = 0; i < channels.Length; i++)
            {
                var width = channels[^(i + 1)];
                var resnets = new ResnetBlock[layers + 1];
                for (var j = 0; j < resnets.Length; j++)
                {
                    resnets[j] = new ResnetBlock(build, $"decoder.up_blocks.{i}.resnets.{j}", current, width);
                    current = width;
                }

                up_blocks[i] = (resnets, i < channels.Length - 1
                    ? new Convolution(build.Weights, $"decoder.up_blocks.{i}.upsamplers.0.conv", current, current, 3, padding: 1)
                    : null);
            }

            conv_norm_out = new GroupNorm(build.Weights, "decoder.conv_norm_out", build.Groups, current, Eps);
            conv_out = new Convolution(build.Weights, "decoder.conv_out", current, outputs, 3, padding: 1);
        }

        public Tensor Forward(Tensor latents)
        {
            using var scope = NewDisposeScope();
            var x = MemoryLayout.Suit(conv_in.Forward(latents));
            x = Replace(x, mid_block.Forward(x));
            foreach (var (resnets, upsampler) in up_blocks)
            {
                foreach (var resnet in resnets) x = Replace(x, resnet.Forward(x));
                if (upsampler is null) continue;
                using var larger = MemoryLayout.Suit(F.interpolate(x, [x.shape[2] * 2, x.shape[3] * 2], mode: InterpolationMode.Nearest));
                x = Replace(x, upsampler.Forward(larger));
            }

            x = Replace(x, conv_norm_out.Forward(x).silu_());
            return conv_out.Forward(x).MoveToOuterDisposeScope();
        }
    }

    private sealed class MidBlock(Settings build, string key, long channels)
    {
        private readonly ResnetBlock resnets_0 = new(build, key + ".resnets.0", channels, channels);
        private readonly Attention? attentions_0 = build.Attention ? new Attention(build, key + ".attentions.0", channels) : null;
        private readonly ResnetBlock resnets_1 = new(build, key + ".resnets.1", channels, channels);

        public Tensor Forward(Tensor x)
        {
            using var scope = NewDisposeScope();
            var y = resnets_0.Forward(x);
            if (attentions_0 is not null) y = Replace(y, attentions_0.Forward(y));
            return resnets_1.Forward(y).MoveToOuterDisposeScope();
        }
    }

    private sealed class ResnetBlock(Settings build, string key, long inputs, long outputs)
    {
        private readonly GroupNorm norm1 = new(build.Weights, key + ".norm1", build.Groups, inputs, Eps);
        private readonly Convolution conv1 = new(build.Weights, key + ".conv1", inputs, outputs, 3, padding: 1);
        private readonly GroupNorm norm2 = new(build.Weights, key + ".norm2", build.Groups, outputs, Eps);
        private readonly Convolution conv2 = new(build.Weights, key + ".conv2", outputs, outputs, 3, padding: 1);
        private readonly Convolution? conv_shortcut =
            inputs != outputs ? new Convolution(build.Weights, key + ".conv_shortcut", inputs, outputs, 1) : null;

        public Tensor Forward(Tensor x)
        {
            using var scope = NewDisposeScope();
            var y = norm1.Forward(x).silu_();
            y = Replace(y, conv1.Forward(y)); // [B, C, H, W]
            y = Replace(y, norm2.Forward(y).silu_());
            y = Replace(y, conv2.Forward(y));
            return y.add_(conv_shortcut?.Forward(x) ?? x).MoveToOuterDisposeScope();
        }
    }

    /// <summary>One head of attention among all pixels.</summary>
    private sealed class Attention
    {
        private readonly GroupNorm group_norm;
        private readonly Linear to_q;
        private readonly Linear to_k;
        private readonly Linear to_v;
        private readonly Linear to_out;

        public Attention(Settings build, string key, long channels)
        {
            group_norm = new GroupNorm(build.Weights, key + ".group_norm", build.Groups, channels, Eps);
            // Files of before 2023, among them the published SD 1.x ones, use the first names.
            var old = build.Weights.Has(key + ".query.weight");
            to_q = new Linear(build.Weights, key + (old ? ".query" : ".to_q"), channels, channels);
            to_k = new Linear(build.Weights, key + (old ? ".key" : ".to_k"), channels, channels);
            to_v = new Linear(build.Weights, key + (old ? ".value" : ".to_v"), channels, channels);
            to_out = new Linear(build.Weights, key + (old ? ".proj_attn" : ".to_out.0"), channels, channels);
        }

        public Tensor Forward(Tensor x)
        {
            using var scope = NewDisposeScope();
            var (batch, channels, height, width) = (x.shape[0], x.shape[1], x.shape[2], x.shape[3]);
            var normed = group_norm.Forward(x).permute(0, 2, 3, 1).reshape(batch, height * width, channels); // [B, L, C]
            var attended = ScaledAttention.Forward(
                // [B, L, C]
                to_q.Forward(normed).unsqueeze(1), to_k.Forward(normed).unsqueeze(1), to_v.Forward(normed).unsqueeze(1)).squeeze(1);
            var y = to_out.Forward(attended).reshape(batch, height, width, channels).permute(0, 3, 1, 2);
            return (x + y).MoveToOuterDisposeScope();
        }
    }
}
