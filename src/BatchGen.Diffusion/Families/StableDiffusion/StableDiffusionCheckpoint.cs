using System.Text.Json.Nodes;
using BatchGen.Core.Failures;
using BatchGen.Diffusion.Models;

namespace BatchGen.Diffusion.Families.StableDiffusion;

/// <summary>
/// The parts of a single-file checkpoint of SD 1.x, 2.x or XL in the names of the original code (LDM, SGM), found by keys and shapes.
/// </summary>
/// <remarks>
/// Key names: CompVis/stable-diffusion, Stability-AI/stablediffusion and generative-models; correspondence as in docs/adapter-formats.md
/// section 4 and diffusers' scripts/convert_original_stable_diffusion_to_diffusers.py. What shapes do not show (heads, groups, noise
/// schedule) is that of the published models of the family.
/// </remarks>
/// <param name="file">The checkpoint.</param>
/// <param name="family">Its family.</param>
internal sealed class StableDiffusionCheckpoint(CheckpointFile file, StableDiffusionRendering family)
{
    /// <summary>Start of the UNet's keys.</summary>
    public const string UNetPrefix = "model.diffusion_model.";

    /// <summary>A key of every UNet of these families.</summary>
    public const string UNetMark = UNetPrefix + "input_blocks.0.0.weight";

    /// <summary>A key of every autoencoder.</summary>
    public const string VaeMark = VaePrefix + "decoder.conv_in.weight";

    private const string VaePrefix = "first_stage_model.";

    // OpenCLIP's ViT-H, the text encoder of SD 2.x.
    private const int PublishedWidth = 1024;
    private const int PublishedLayers = 24;

    private static readonly string[] TextPrefixes = ["cond_stage_model.", "conditioner."];

    // What text encoders carry along from their training and no family reads; a projection that one does read is taken by then.
    private static readonly string[] SpareText = [".logit_scale", ".text_projection", ".text_projection.weight", ".position_ids"];

    /// <summary>Start of the names of a text encoder as transformers writes them, or null where it has none there.</summary>
    public static string? TextPrefix(CheckpointFile file, string prefix) =>
        file.Has(prefix + "text_model.embeddings.position_embedding.weight") ? prefix + "text_model."
        : file.Has(prefix + "embeddings.position_embedding.weight") ? prefix
        : null;

    /// <summary>One head for every 64 channels of a level.</summary>
    public static JsonArray HeadsOf64Channels(IReadOnlyList<long> channels) =>
        ConfigFile.List(channels.Select(channel => Math.Max(1, channel / 64)));

    /// <summary>Finds the tensors of the UNet.</summary>
    public SourceComponent UNet()
    {
        var config = file.Config("unet", UNetSettings());
        var shapes = StableDiffusionNetworks.UNet.Shapes(config);
        var names = SgmNames.Of(shapes.Select(item => item.Key[..item.Key.LastIndexOf('.')]).Distinct(StringComparer.Ordinal).ToArray());
        var tensors = shapes.Select(item =>
        {
            var dot = item.Key.LastIndexOf('.');
            var original = names.TryGetValue(item.Key[..dot], out var name) ? name.Name : item.Key[..dot];
            // Projections are kept as matrices or as convolutions of one pixel, whichever the config says.
            return file.Take(item.Key, UNetPrefix + original + item.Key[dot..], item.Shape);
        });
        return new SourceComponent("unet", config, tensors.ToArray());
    }

    /// <summary>Finds the tensors of the autoencoder.</summary>
    public SourceComponent Vae()
    {
        var channels = new List<long>();
        string FirstOf(int level) => $"{VaePrefix}encoder.down.{level}.block.0.conv1.weight";
        for (var i = 0; file.Has(FirstOf(i)); i++) channels.Add(file.Shape(FirstOf(i))[0]);
        if (channels.Count == 0) throw new ModelException($"'{file.Path}' has an autoencoder without encoder blocks.");
        var config = file.Config("vae", new JsonObject
        {
            ["_class_name"] = "AutoencoderKL",
            ["block_out_channels"] = ConfigFile.List(channels),
            ["down_block_types"] = ConfigFile.List(channels.Select(_ => "DownEncoderBlock2D")),
            ["up_block_types"] = ConfigFile.List(channels.Select(_ => "UpDecoderBlock2D")),
            ["layers_per_block"] = file.Count($"{VaePrefix}encoder.down.0.block.", ".conv1.weight"),
            ["latent_channels"] = file.Shape(VaePrefix + "decoder.conv_in.weight")[1],
            ["scaling_factor"] = family.LatentScale,
            ["force_upcast"] = true,
        });
        // Older conversions of diffusers folders left the attention's names as they were.
        var keepsAttention = file.Has(VaePrefix + "decoder.mid.attn_1.to_q.weight");
        var tensors = StableDiffusionNetworks.Vae.Shapes(config)
            .Select(item => file.Take(item.Key, VaePrefix + LdmVaeNames.Of(item.Key, channels.Count, keepsAttention), item.Shape));
        return new SourceComponent("vae", config, tensors.ToArray());
    }

    /// <summary>A text encoder in the names of transformers; older files leave 'text_model.' out.</summary>
    /// <param name="component">Its component.</param>
    /// <param name="prefix">Start of its keys.</param>
    public SourceComponent ClipText(string component, string prefix)
    {
        var start = TextPrefix(file, prefix) ?? throw new ModelException($"'{file.Path}' has no text encoder under '{prefix}'.");
        var width = file.Shape(start + "embeddings.position_embedding.weight");
        var config = file.Config(component, new JsonObject
        {
            ["hidden_size"] = width[1],
            ["max_position_embeddings"] = width[0],
            ["vocab_size"] = file.Shape(start + "embeddings.token_embedding.weight")[0],
            ["intermediate_size"] = file.Shape(start + "encoder.layers.0.mlp.fc1.weight")[0],
            ["num_hidden_layers"] = file.Count(start + "encoder.layers.", ".mlp.fc1.weight"),
            ["num_attention_heads"] = Math.Max(1, width[1] / 64),
            ["hidden_act"] = "quick_gelu",
        });
        var shapes = family.Network(component).Shapes(config);
        var tensors = shapes.Select(item => file.Take(item.Key, start + item.Key["text_model.".Length..], item.Shape));
        return new SourceComponent(component, config, tensors.ToArray());
    }

    /// <summary>A text encoder in the names of OpenCLIP (open_clip/transformer.py): one matrix for query, key and value.</summary>
    /// <param name="component">Its component.</param>
    /// <param name="prefix">Start of its keys.</param>
    /// <param name="leavesOutLast">True when the family does not read the last layer.</param>
    /// <param name="withProjection">True when the projection behind it is read.</param>
    public SourceComponent OpenClipText(string component, string prefix, bool leavesOutLast, bool withProjection)
    {
        var positions = file.Shape(prefix + "positional_embedding");
        var layers = file.Count(prefix + "transformer.resblocks.", ".ln_1.weight");
        // Files made from diffusers folders never had the last layer, nor the projection behind it.
        var isWhole = positions[1] == PublishedWidth ? layers == PublishedLayers : file.Has(prefix + "text_projection");
        var used = leavesOutLast && isWhole ? layers - 1 : layers;
        var settings = new JsonObject
        {
            ["hidden_size"] = positions[1],
            ["max_position_embeddings"] = positions[0],
            ["vocab_size"] = file.Shape(prefix + "token_embedding.weight")[0],
            ["intermediate_size"] = file.Shape(prefix + "transformer.resblocks.0.mlp.c_fc.weight")[0],
            ["num_hidden_layers"] = used,
            ["num_attention_heads"] = Math.Max(1, positions[1] / 64),
            ["hidden_act"] = "gelu",
        };
        // OpenCLIP multiplies with the matrix; conversions from diffusers leave it as the linear layer has it, by its name there.
        var projection = prefix + "text_projection";
        var isLinear = !file.Has(projection) && file.Has(projection + ".weight");
        if (withProjection) settings["projection_dim"] = isLinear ? file.Shape(projection + ".weight")[0] : file.Shape(projection)[1];
        var config = file.Config(component, settings);
        if (used < layers) file.Ignore($"{prefix}transformer.resblocks.{used}.");
        return new SourceComponent(component, config, family.Network(component).Shapes(config).Select(item =>
        {
            if (item.Key == "text_projection.weight")
                return file.Take(item.Key, isLinear ? projection + ".weight" : projection, item.Shape) with { IsTransposed = !isLinear };
            var (name, part) = OpenClipNames.Of(item.Key);
            return file.Take(item.Key, prefix + name, item.Shape) with { Part = part };
        }).ToArray());
    }

    /// <summary>The noise schedule, which keys do not tell: that of the published models, and what markers and metadata say.</summary>
    public ConfigFile Scheduler()
    {
        var settings = StableDiffusionSettings.Schedule(Prediction());
        family.AddScheduleSettings(settings);
        // A marker of fine-tunes trained down to pure noise.
        if (file.Has("ztsnr")) (settings["rescale_betas_zero_snr"], settings["timestep_spacing"]) = (true, "trailing");
        return file.Config("scheduler", settings);
    }

    /// <summary>
    /// Refuses a file with tensors that no network of these families has; everything outside of the networks is training state.
    /// </summary>
    /// <exception cref="ModelException">There is such a tensor.</exception>
    public void CheckNothingIsLeft()
    {
        var left = file.Untaken().Where(IsPartOfNetwork).ToArray();
        if (left.Length == 0) return;
        throw new ModelException(
            $"'{file.Path}' holds {left.Length} tensors that no Stable Diffusion 1.x, 2.x or XL network has, for example '{left[0]}'. "
            + "It is a checkpoint of another kind.");
    }

    private static bool IsPartOfNetwork(string name)
    {
        bool Starts(string prefix) => name.StartsWith(prefix, StringComparison.Ordinal);
        return Starts(UNetPrefix) || Starts(VaePrefix)
            || TextPrefixes.Any(Starts) && !SpareText.Any(suffix => name.EndsWith(suffix, StringComparison.Ordinal));
    }

    private JsonObject UNetSettings()
    {
        var (channels, down, depths, layers) = Levels();
        var reader = file.Entries.FirstOrDefault(entry =>
            entry.Name.StartsWith(UNetPrefix, StringComparison.Ordinal)
                && entry.Name.EndsWith("attn2.to_k.weight", StringComparison.Ordinal));
        var context = reader?.Shape[1] ?? throw new ModelException($"'{file.Path}' has a UNet without attention to texts.");
        // The middle block has the depth of the last level, also where that level itself has no attention.
        depths[^1] = Math.Max(depths[^1], file.Count(UNetPrefix + "middle_block.1.transformer_blocks.", ".norm1.weight"));
        var projection = file.Shape(UNetPrefix + "middle_block.1.proj_in.weight");
        var settings = new JsonObject
        {
            ["_class_name"] = "UNet2DConditionModel",
            ["in_channels"] = file.Shape(UNetPrefix + "input_blocks.0.0.weight")[1],
            ["out_channels"] = file.Shape(UNetPrefix + "out.2.weight")[0],
            ["block_out_channels"] = ConfigFile.List(channels),
            ["down_block_types"] = ConfigFile.List(down),
            ["up_block_types"] = ConfigFile.List(
                down.AsEnumerable().Reverse().Select(type => type == "DownBlock2D" ? "UpBlock2D" : "CrossAttnUpBlock2D")),
            ["layers_per_block"] = layers,
            ["transformer_layers_per_block"] = ConfigFile.List(depths),
            ["cross_attention_dim"] = context,
            ["use_linear_projection"] = projection.Length == 2,
            ["upcast_attention"] = family.UpcastsAttention,
            ["attention_head_dim"] = family.Heads(channels),
        };
        family.AddUNetSettings(file, settings);
        return settings;
    }

    // Channels, block types and transformer layers of each level, and residual layers a level, as the keys tell them.
    private (List<long> Channels, List<string> Types, List<long> Depths, int Layers) Levels()
    {
        var channels = new List<long>();
        var down = new List<string>();
        var depths = new List<long>();
        var layers = 0;
        var (resnets, attentive, depth) = (0, false, 1L);
        for (var n = 1; ; n++)
        {
            var place = $"{UNetPrefix}input_blocks.{n}.";
            var isResnet = file.Has(place + "0.in_layers.0.weight");
            if (isResnet)
            {
                if (resnets++ == 0) channels.Add(file.Shape(place + "0.out_layers.3.weight")[0]);
                if (!file.Has(place + "1.transformer_blocks.0.norm1.weight")) continue;
                attentive = true;
                depth = file.Count(place + "1.transformer_blocks.", ".norm1.weight");
                continue;
            }

            down.Add(attentive ? "CrossAttnDownBlock2D" : "DownBlock2D");
            depths.Add(depth);
            layers = Math.Max(layers, resnets);
            (resnets, attentive, depth) = (0, false, 1);
            if (!file.Has(place + "0.op.weight")) return (channels, down, depths, layers);
        }
    }

    private string Prediction()
    {
        if (file.Has("v_pred")) return "v_prediction";
        if (file.Metadata.TryGetValue("modelspec.prediction_type", out var said))
        {
            if (said is "v" or "v_prediction") return "v_prediction";
            if (said is "epsilon") return "epsilon";
        }

        return family.PredictionOf(file);
    }
}
