using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using BatchGen.Core.Failures;
using BatchGen.Diffusion.Adapters;
using BatchGen.Diffusion.Safetensors;
using BatchGen.Diffusion.Text;
using BatchGen.Diffusion.Weights;

namespace BatchGen.Diffusion.Models;

/// <summary>A single-file checkpoint in the names of the original code (LDM, SGM): what it is and where each tensor lies, told by keys and shapes.</summary>
/// <remarks>
/// Key names: CompVis/stable-diffusion, Stability-AI/stablediffusion and generative-models; correspondence as in docs/adapter-formats.md section 4 and
/// diffusers' scripts/convert_original_stable_diffusion_to_diffusers.py. What shapes do not tell (heads, groups, noise schedule) is that of the
/// published families; a metadata entry <c>batchgen.config</c> (JSON, settings by component) overrides it for models of other sizes.
/// </remarks>
internal sealed class CheckpointFile
{
    private const string UNetPrefix = "model.diffusion_model.";
    private const string VaePrefix = "first_stage_model.";

    // OpenCLIP's ViT-H, the text encoder of SD 2.x.
    private const int PublishedWidth = 1024;
    private const int PublishedLayers = 24;

    private static readonly string[] TextPrefixes = ["cond_stage_model.", "conditioner."];

    // Marks of models for continuous noise levels (ComfyUI, comfy/supported_models.py: Playground v2.5 and its like).
    private static readonly string[] ContinuousMarks = ["edm_mean", "edm_std", "edm_vpred.sigma_max"];

    // What text encoders carry along from their training and no family reads; a projection that one does read is known by then.
    private static readonly string[] SpareText = [".logit_scale", ".text_projection", ".text_projection.weight", ".position_ids"];

    private readonly SafetensorsFile _file;
    private readonly HashSet<string> _used = new(StringComparer.Ordinal);
    private readonly JsonObject _overrides;

    private CheckpointFile(SafetensorsFile file)
    {
        _file = file;
        _overrides = ReadOverrides(file);
    }

    /// <summary>Reads the header of a file.</summary>
    /// <exception cref="ModelException">A pickle, an adapter, a network alone, or of an unknown kind.</exception>
    /// <exception cref="SafetensorsException">Not a sound safetensors file.</exception>
    public static ModelSource Open(string path)
    {
        if (Path.GetExtension(path).ToLowerInvariant() is ".ckpt" or ".pt" or ".pth" or ".bin")
        {
            throw new ModelException(
                $"'{path}' is a Python pickle, which can run code and is not read. Get the .safetensors form of the model, or convert it on a machine that trusts its source.");
        }

        using var file = SafetensorsFile.Open(path);
        return new CheckpointFile(file).ToSource();
    }

    private static JsonObject ReadOverrides(SafetensorsFile file)
    {
        if (!file.Metadata.TryGetValue("batchgen.config", out var text)) return [];
        try
        {
            return JsonNode.Parse(text) as JsonObject ?? throw new ModelException($"'{file.Path}' has metadata batchgen.config that is not a JSON object.");
        }
        catch (JsonException error)
        {
            throw new ModelException($"'{file.Path}' has metadata batchgen.config that is not valid JSON: {error.Message}", error);
        }
    }

    private ModelSource ToSource()
    {
        CheckKind();
        var family = Has("conditioner.embedders.1.model.ln_final.weight") ? "sdxl" : Has("cond_stage_model.model.ln_final.weight") ? "sd21" : "sd15";
        var components = new List<SourceComponent>();
        if (family == "sdxl")
        {
            components.Add(HuggingFaceText("text_encoder", "conditioner.embedders.0.transformer."));
            components.Add(OpenClipText("text_encoder_2", "conditioner.embedders.1.model.", leavesOut: false, withProjection: true));
        }
        else if (family == "sd21")
        {
            // SD 2.x reads the last layer but one: the last one is left out.
            components.Add(OpenClipText("text_encoder", "cond_stage_model.model.", leavesOut: true, withProjection: false));
        }
        else
        {
            components.Add(HuggingFaceText("text_encoder", "cond_stage_model.transformer."));
        }

        components.Add(UNet(family));
        components.Add(Vae(family));
        CheckLeft();
        var tokenizers = new List<Func<ClipTokenizer>> { () => ClipTokenizer.Published(padWithZero: family == "sd21") };
        if (family == "sdxl") tokenizers.Add(() => ClipTokenizer.Published(padWithZero: true));
        return new ModelSource(family, _file.Path, components, tokenizers, Scheduler(family), ZeroesEmptyNegative: family == "sdxl", [""]);
    }

    private void CheckKind()
    {
        if (ContinuousMarks.FirstOrDefault(Has) is { } mark)
        {
            throw new ModelException(
                $"'{_file.Path}' has the key '{mark}', the mark of a model for continuous noise levels (EDM), which no sampler here draws with. Choose a model for the levels of Stable Diffusion.");
        }

        if (Has(UNetPrefix + "input_blocks.0.0.weight"))
        {
            if (!Has(VaePrefix + "decoder.conv_in.weight"))
                throw new ModelException($"'{_file.Path}' holds a UNet but no autoencoder (first_stage_model). Get the full checkpoint; a UNet alone cannot draw.");
            if (Has("cond_stage_model.model.ln_final.weight") || Has("conditioner.embedders.1.model.ln_final.weight") || TextPrefix("cond_stage_model.transformer.") is not null) return;
            var refiner = Has("conditioner.embedders.0.model.ln_final.weight");
            throw new ModelException(
                $"'{_file.Path}' has no text encoder that is known here" + (refiner ? "; it looks like the SDXL refiner, which is not supported." : " (cond_stage_model or conditioner). Get the full checkpoint."));
        }

        var first = _file.Entries.Count > 0 ? $" (the first of its {_file.Entries.Count} keys is '{_file.Entries[0].Name}')" : "";
        if (_file.Entries.Any(entry => AdapterKey.Split(entry.Name) is not null))
            throw new ModelException($"'{_file.Path}' is an adapter, not a checkpoint{first}. Register it with 'batchgen adapters add'.");
        throw new ModelException(
            $"'{_file.Path}' is not a Stable Diffusion 1.x, 2.x or XL checkpoint{first}: it has no {UNetPrefix}input_blocks. Other families are not supported; a folder of the diffusers layout is registered as a folder.");
    }

    private SourceComponent UNet(string family)
    {
        var config = Config("unet", UNetSettings(family));
        var recorder = ComponentWeights.Recorder("unet");
        _ = new UNetModel(config, recorder);
        var modules = recorder.Recorded.Select(item => item.Key[..item.Key.LastIndexOf('.')]).Distinct(StringComparer.Ordinal).ToArray();
        var names = SgmNames.Of(modules);
        var tensors = recorder.Recorded.Select(item =>
        {
            var dot = item.Key.LastIndexOf('.');
            var original = names.TryGetValue(item.Key[..dot], out var name) ? name.Name : item.Key[..dot];
            // Projections are kept as matrices or as convolutions of one pixel, whichever the config says.
            return Found(item.Key, UNetPrefix + original + item.Key[dot..], item.Shape);
        });
        return new SourceComponent("unet", config, tensors.ToArray());
    }

    private JsonObject UNetSettings(string family)
    {
        var channels = new List<long>();
        var down = new List<string>();
        var depths = new List<long>();
        var layers = 0;
        var (resnets, attentive, depth) = (0, false, 1L);
        for (var n = 1; ; n++)
        {
            var place = $"{UNetPrefix}input_blocks.{n}.";
            var isResnet = Has(place + "0.in_layers.0.weight");
            if (isResnet)
            {
                if (resnets++ == 0) channels.Add(Shape(place + "0.out_layers.3.weight")[0]);
                if (!Has(place + "1.transformer_blocks.0.norm1.weight")) continue;
                attentive = true;
                depth = Count(place + "1.transformer_blocks.", ".norm1.weight");
                continue;
            }

            down.Add(attentive ? "CrossAttnDownBlock2D" : "DownBlock2D");
            depths.Add(depth);
            layers = Math.Max(layers, resnets);
            (resnets, attentive, depth) = (0, false, 1);
            if (!Has(place + "0.op.weight")) break;
        }

        var context = _file.Entries.FirstOrDefault(entry => entry.Name.StartsWith(UNetPrefix, StringComparison.Ordinal) && entry.Name.EndsWith("attn2.to_k.weight", StringComparison.Ordinal))?.Shape[1]
            ?? throw new ModelException($"'{_file.Path}' has a UNet without attention to texts.");
        // The middle block has the depth of the last level, also where that level itself has no attention.
        depths[^1] = Math.Max(depths[^1], Count(UNetPrefix + "middle_block.1.transformer_blocks.", ".norm1.weight"));
        var projection = Shape(UNetPrefix + "middle_block.1.proj_in.weight");
        var settings = new JsonObject
        {
            ["_class_name"] = "UNet2DConditionModel",
            ["in_channels"] = Shape(UNetPrefix + "input_blocks.0.0.weight")[1],
            ["out_channels"] = Shape(UNetPrefix + "out.2.weight")[0],
            ["block_out_channels"] = List(channels),
            ["down_block_types"] = List(down),
            ["up_block_types"] = List(down.AsEnumerable().Reverse().Select(type => type == "DownBlock2D" ? "UpBlock2D" : "CrossAttnUpBlock2D")),
            ["layers_per_block"] = layers,
            ["transformer_layers_per_block"] = List(depths),
            ["cross_attention_dim"] = context,
            ["use_linear_projection"] = projection.Length == 2,
            ["upcast_attention"] = family == "sd21",
            // SD 1.x has eight heads everywhere, the later families heads of 64 channels.
            ["attention_head_dim"] = family == "sd15" ? 8 : List(channels.Select(channel => Math.Max(1, channel / 64))),
        };
        if (family != "sdxl") return settings;
        settings["addition_embed_type"] = "text_time";
        settings["addition_time_embed_dim"] = 256;
        settings["projection_class_embeddings_input_dim"] = Shape(UNetPrefix + "label_emb.0.0.weight")[1];
        return settings;
    }

    private SourceComponent Vae(string family)
    {
        var channels = new List<long>();
        for (var i = 0; Has($"{VaePrefix}encoder.down.{i}.block.0.conv1.weight"); i++) channels.Add(Shape($"{VaePrefix}encoder.down.{i}.block.0.conv1.weight")[0]);
        if (channels.Count == 0) throw new ModelException($"'{_file.Path}' has an autoencoder without encoder blocks.");
        var config = Config("vae", new JsonObject
        {
            ["_class_name"] = "AutoencoderKL",
            ["block_out_channels"] = List(channels),
            ["down_block_types"] = List(channels.Select(_ => "DownEncoderBlock2D")),
            ["up_block_types"] = List(channels.Select(_ => "UpDecoderBlock2D")),
            ["layers_per_block"] = Count($"{VaePrefix}encoder.down.0.block.", ".conv1.weight"),
            ["latent_channels"] = Shape(VaePrefix + "decoder.conv_in.weight")[1],
            ["scaling_factor"] = family == "sdxl" ? 0.13025 : 0.18215,
            ["force_upcast"] = true,
        });
        var recorder = ComponentWeights.Recorder("vae");
        _ = new AutoencoderKl(config, recorder);
        // Older conversions of diffusers folders left the attention's names as they were.
        var keepsAttention = Has(VaePrefix + "decoder.mid.attn_1.to_q.weight");
        return new SourceComponent(
            "vae", config, recorder.Recorded.Select(item => Found(item.Key, VaePrefix + LdmVaeNames.Of(item.Key, channels.Count, keepsAttention), item.Shape)).ToArray());
    }

    // CLIP-L as transformers writes it; older files leave 'text_model.' out.
    private SourceComponent HuggingFaceText(string component, string prefix)
    {
        var start = TextPrefix(prefix) ?? throw new ModelException($"'{_file.Path}' has no text encoder under '{prefix}'.");
        var width = Shape(start + "embeddings.position_embedding.weight");
        var config = Config(component, new JsonObject
        {
            ["hidden_size"] = width[1],
            ["max_position_embeddings"] = width[0],
            ["vocab_size"] = Shape(start + "embeddings.token_embedding.weight")[0],
            ["intermediate_size"] = Shape(start + "encoder.layers.0.mlp.fc1.weight")[0],
            ["num_hidden_layers"] = Count(start + "encoder.layers.", ".mlp.fc1.weight"),
            ["num_attention_heads"] = Math.Max(1, width[1] / 64),
            ["hidden_act"] = "quick_gelu",
        });
        var recorder = ComponentWeights.Recorder(component);
        _ = new ClipTextModel(config, recorder, hasProjection: false);
        return new SourceComponent(component, config, recorder.Recorded.Select(item => Found(item.Key, start + item.Key["text_model.".Length..], item.Shape)).ToArray());
    }

    private string? TextPrefix(string prefix) =>
        Has(prefix + "text_model.embeddings.position_embedding.weight") ? prefix + "text_model."
        : Has(prefix + "embeddings.position_embedding.weight") ? prefix
        : null;

    // The text encoders of OpenCLIP (open_clip/transformer.py): one matrix for query, key and value.
    private SourceComponent OpenClipText(string component, string prefix, bool leavesOut, bool withProjection)
    {
        var positions = Shape(prefix + "positional_embedding");
        var layers = Count(prefix + "transformer.resblocks.", ".ln_1.weight");
        // Files made from diffusers folders never had the last layer, nor the projection behind it.
        var isWhole = positions[1] == PublishedWidth ? layers == PublishedLayers : Has(prefix + "text_projection");
        var used = leavesOut && isWhole ? layers - 1 : layers;
        var settings = new JsonObject
        {
            ["hidden_size"] = positions[1],
            ["max_position_embeddings"] = positions[0],
            ["vocab_size"] = Shape(prefix + "token_embedding.weight")[0],
            ["intermediate_size"] = Shape(prefix + "transformer.resblocks.0.mlp.c_fc.weight")[0],
            ["num_hidden_layers"] = used,
            ["num_attention_heads"] = Math.Max(1, positions[1] / 64),
            ["hidden_act"] = "gelu",
        };
        // OpenCLIP multiplies with the matrix; conversions from diffusers leave it as the linear layer has it, by its name there.
        var projection = prefix + "text_projection";
        var isLinear = !Has(projection) && Has(projection + ".weight");
        if (withProjection) settings["projection_dim"] = isLinear ? Shape(projection + ".weight")[0] : Shape(projection)[1];
        var config = Config(component, settings);
        var recorder = ComponentWeights.Recorder(component);
        _ = new ClipTextModel(config, recorder, withProjection);
        if (used < layers) _used.UnionWith(_file.Entries.Select(entry => entry.Name).Where(name => name.StartsWith($"{prefix}transformer.resblocks.{used}.", StringComparison.Ordinal)));
        return new SourceComponent(component, config, recorder.Recorded.Select(item =>
        {
            if (item.Key == "text_projection.weight") return Found(item.Key, isLinear ? projection + ".weight" : projection, item.Shape) with { IsTransposed = !isLinear };
            var (name, part) = OpenClipNames.Of(item.Key);
            return Found(item.Key, prefix + name, item.Shape) with { Part = part };
        }).ToArray());
    }

    private ConfigFile Scheduler(string family)
    {
        var settings = new JsonObject
        {
            ["num_train_timesteps"] = 1000,
            ["beta_start"] = 0.00085,
            ["beta_end"] = 0.012,
            ["beta_schedule"] = "scaled_linear",
            ["clip_sample"] = false,
            ["set_alpha_to_one"] = false,
            ["skip_prk_steps"] = true,
            ["steps_offset"] = 1,
            ["prediction_type"] = Prediction(family),
        };
        if (family == "sdxl") settings["timestep_spacing"] = "leading";
        // A marker of fine-tunes trained down to pure noise.
        if (Has("ztsnr")) (settings["rescale_betas_zero_snr"], settings["timestep_spacing"]) = (true, "trailing");
        return Config("scheduler", settings);
    }

    private string Prediction(string family)
    {
        if (Has("v_pred")) return "v_prediction";
        if (_file.Metadata.TryGetValue("modelspec.prediction_type", out var said))
        {
            if (said is "v" or "v_prediction") return "v_prediction";
            if (said is "epsilon") return "epsilon";
        }

        // Nothing in a plain SD 2.x file says what it predicts. The velocity models' last norm is spread wider (ComfyUI, comfy/supported_models.py: over 0.09).
        const string LastNorm = UNetPrefix + "output_blocks.11.1.transformer_blocks.0.norm1.bias";
        return family == "sd21" && _file.Find(LastNorm) is { } entry && Deviation(entry) > 0.09 ? "v_prediction" : "epsilon";
    }

    private double Deviation(SafetensorsEntry entry)
    {
        var bytes = _file.Bytes(entry);
        double[] values = entry.Type switch
        {
            SafetensorsType.F32 => MemoryMarshal.Cast<byte, float>(bytes).ToArray().Select(value => (double)value).ToArray(),
            SafetensorsType.F16 => MemoryMarshal.Cast<byte, Half>(bytes).ToArray().Select(value => (double)value).ToArray(),
            SafetensorsType.BF16 => MemoryMarshal.Cast<byte, ushort>(bytes).ToArray().Select(code => (double)BitConverter.Int32BitsToSingle(code << 16)).ToArray(),
            _ => [],
        };
        if (values.Length == 0) return 0;
        var mean = values.Average();
        return Math.Sqrt(values.Average(value => (value - mean) * (value - mean)));
    }

    private void CheckLeft()
    {
        var left = _file.Entries.Select(entry => entry.Name).Where(name => !_used.Contains(name) && IsPartOfNetwork(name)).ToArray();
        if (left.Length == 0) return;
        throw new ModelException(
            $"'{_file.Path}' holds {left.Length} tensors that no Stable Diffusion 1.x, 2.x or XL network has, for example '{left[0]}'. It is a checkpoint of another kind.");
    }

    // Everything else in a checkpoint is training state.
    private static bool IsPartOfNetwork(string name)
    {
        bool Starts(string prefix) => name.StartsWith(prefix, StringComparison.Ordinal);
        return Starts(UNetPrefix) || Starts(VaePrefix) || TextPrefixes.Any(Starts) && !SpareText.Any(suffix => name.EndsWith(suffix, StringComparison.Ordinal));
    }

    private ConfigFile Config(string component, JsonObject settings)
    {
        if (_overrides[component] is JsonObject own)
        {
            foreach (var (key, value) in own) settings[key] = value?.DeepClone();
        }

        return ConfigFile.Parse(settings.ToJsonString(), $"{_file.Path} ({component})");
    }

    private SourceTensor Found(string key, string name, long[] shape)
    {
        var entry = _file.Find(name) ?? throw new ModelException($"'{_file.Path}' has no tensor '{name}', which a model of its kind has. It may be pruned or of another kind.");
        _used.Add(name);
        return new SourceTensor(key, "", name, entry.Shape.AsSpan().SequenceEqual(shape) ? null : shape);
    }

    private bool Has(string name) => _file.Find(name) is not null;

    private long[] Shape(string name) => _file.Find(name)?.Shape ?? throw new ModelException($"'{_file.Path}' has no tensor '{name}', which a checkpoint of its kind has.");

    // How many consecutive numbers stand between a prefix and a suffix.
    private int Count(string prefix, string suffix)
    {
        var count = 0;
        while (Has($"{prefix}{count.ToString(CultureInfo.InvariantCulture)}{suffix}")) count++;
        return count;
    }

    private static JsonArray List<T>(IEnumerable<T> items) => new(items.Select(item => (JsonNode?)JsonValue.Create(item)).ToArray());
}
