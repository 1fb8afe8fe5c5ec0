using System.Text.Json.Nodes;

namespace BatchGen.Diffusion.Models;

/// <summary>The dimensions of the published Stable Diffusion models.</summary>
/// <remarks>Sources: the config.json files of runwayml/stable-diffusion-v1-5, stabilityai/stable-diffusion-2-1 and stabilityai/stable-diffusion-xl-base-1.0.</remarks>
internal static class PublishedConfigs
{
    /// <summary>Settings by component, among them <c>scheduler</c>.</summary>
    public static Dictionary<string, JsonObject> Of(string family) => family switch
    {
        "sd15" => new(StringComparer.Ordinal)
        {
            ["text_encoder"] = TextEncoder(768, 12, 12, "quick_gelu"),
            ["unet"] = UNet([320, 640, 1280, 1280], [true, true, true, false], [8, 8, 8, 8], [1, 1, 1, 1], 768, linear: false),
            ["vae"] = Vae(0.18215),
            ["scheduler"] = Scheduler("PNDMScheduler", "epsilon"),
        },
        "sd21" => new(StringComparer.Ordinal)
        {
            ["text_encoder"] = TextEncoder(1024, 16, 23, "gelu"),
            ["unet"] = UNet([320, 640, 1280, 1280], [true, true, true, false], [5, 10, 20, 20], [1, 1, 1, 1], 1024, linear: true),
            ["vae"] = Vae(0.18215),
            ["scheduler"] = Scheduler("DDIMScheduler", "v_prediction"),
        },
        "sdxl" => new(StringComparer.Ordinal)
        {
            ["text_encoder"] = TextEncoder(768, 12, 12, "quick_gelu"),
            ["text_encoder_2"] = TextEncoder(1280, 20, 32, "gelu", projection: 1280),
            ["unet"] = UNet([320, 640, 1280], [false, true, true], [5, 10, 20], [1, 2, 10], 2048, linear: true, sizeWidth: 256, pooledWidth: 1280),
            ["vae"] = Vae(0.13025),
            ["scheduler"] = Scheduler("EulerDiscreteScheduler", "epsilon", "leading"),
        },
        _ => throw new ArgumentOutOfRangeException(nameof(family), family, "unknown family"),
    };

    /// <summary>Settings of a text encoder.</summary>
    public static JsonObject TextEncoder(long width, long heads, long layers, string activation, long projection = 0)
    {
        var config = new JsonObject
        {
            ["architectures"] = new JsonArray(projection > 0 ? "CLIPTextModelWithProjection" : "CLIPTextModel"),
            ["eos_token_id"] = 2,
            ["hidden_act"] = activation,
            ["hidden_size"] = width,
            ["intermediate_size"] = width * 4,
            ["layer_norm_eps"] = 1e-5,
            ["max_position_embeddings"] = 77,
            ["num_attention_heads"] = heads,
            ["num_hidden_layers"] = layers,
            ["vocab_size"] = 49408,
        };
        if (projection > 0) config["projection_dim"] = projection;
        return config;
    }

    /// <summary>Settings of a UNet.</summary>
    public static JsonObject UNet(long[] channels, bool[] attentive, long[] heads, long[] depths, long context, bool linear, long sizeWidth = 0, long pooledWidth = 0)
    {
        var config = new JsonObject
        {
            ["_class_name"] = "UNet2DConditionModel",
            ["act_fn"] = "silu",
            ["attention_head_dim"] = List(heads),
            ["block_out_channels"] = List(channels),
            ["cross_attention_dim"] = context,
            ["down_block_types"] = List(attentive.Select(has => has ? "CrossAttnDownBlock2D" : "DownBlock2D")),
            ["flip_sin_to_cos"] = true,
            ["freq_shift"] = 0,
            ["in_channels"] = 4,
            ["layers_per_block"] = 2,
            ["norm_eps"] = 1e-5,
            ["norm_num_groups"] = 32,
            ["out_channels"] = 4,
            ["transformer_layers_per_block"] = List(depths),
            ["up_block_types"] = List(attentive.Reverse().Select(has => has ? "CrossAttnUpBlock2D" : "UpBlock2D")),
            ["upcast_attention"] = linear && sizeWidth == 0,
            ["use_linear_projection"] = linear,
        };
        if (sizeWidth == 0) return config;
        config["addition_embed_type"] = "text_time";
        config["addition_time_embed_dim"] = sizeWidth;
        config["projection_class_embeddings_input_dim"] = pooledWidth + 6 * sizeWidth;
        return config;
    }

    /// <summary>Settings of an autoencoder.</summary>
    public static JsonObject Vae(double scale, long[]? channels = null, long layers = 2)
    {
        channels ??= [128, 256, 512, 512];
        return new JsonObject
        {
            ["_class_name"] = "AutoencoderKL",
            ["act_fn"] = "silu",
            ["block_out_channels"] = List(channels),
            ["down_block_types"] = List(channels.Select(_ => "DownEncoderBlock2D")),
            ["force_upcast"] = true,
            ["in_channels"] = 3,
            ["latent_channels"] = 4,
            ["layers_per_block"] = layers,
            ["norm_num_groups"] = 32,
            ["out_channels"] = 3,
            ["scaling_factor"] = scale,
            ["up_block_types"] = List(channels.Select(_ => "UpDecoderBlock2D")),
        };
    }

    /// <summary>Settings of a noise schedule.</summary>
    public static JsonObject Scheduler(string className, string prediction, string? spacing = null)
    {
        var config = new JsonObject
        {
            ["_class_name"] = className,
            ["beta_end"] = 0.012,
            ["beta_schedule"] = "scaled_linear",
            ["beta_start"] = 0.00085,
            ["clip_sample"] = false,
            ["num_train_timesteps"] = 1000,
            ["prediction_type"] = prediction,
            ["set_alpha_to_one"] = false,
            ["skip_prk_steps"] = true,
            ["steps_offset"] = 1,
        };
        if (spacing is not null) config["timestep_spacing"] = spacing;
        return config;
    }

    private static JsonArray List<T>(IEnumerable<T> items) => new(items.Select(item => (JsonNode?)JsonValue.Create(item)).ToArray());
}
