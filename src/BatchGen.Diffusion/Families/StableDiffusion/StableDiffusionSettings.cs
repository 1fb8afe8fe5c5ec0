using System.Text.Json.Nodes;
using BatchGen.Diffusion.Models;

namespace BatchGen.Diffusion.Families.StableDiffusion;

/// <summary>Settings of networks and noise schedules as the published models of SD 1.x, 2.x and XL have them, for any dimensions.</summary>
/// <remarks>
/// Sources: the config.json files of runwayml/stable-diffusion-v1-5, stabilityai/stable-diffusion-2-1 and
/// stabilityai/stable-diffusion-xl-base-1.0.
/// </remarks>
internal static class StableDiffusionSettings
{
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
    public static JsonObject UNet(
        long[] channels, bool[] attentive, long[] heads, long[] depths, long context, bool linear, long sizeWidth = 0, long pooledWidth = 0)
    {
        var config = new JsonObject
        {
            ["_class_name"] = "UNet2DConditionModel",
            ["act_fn"] = "silu",
            ["attention_head_dim"] = ConfigFile.List(heads),
            ["block_out_channels"] = ConfigFile.List(channels),
            ["cross_attention_dim"] = context,
            ["down_block_types"] = ConfigFile.List(attentive.Select(has => has ? "CrossAttnDownBlock2D" : "DownBlock2D")),
            ["flip_sin_to_cos"] = true,
            ["freq_shift"] = 0,
            ["in_channels"] = 4,
            ["layers_per_block"] = 2,
            ["norm_eps"] = 1e-5,
            ["norm_num_groups"] = 32,
            ["out_channels"] = 4,
            ["transformer_layers_per_block"] = ConfigFile.List(depths),
            ["up_block_types"] = ConfigFile.List(attentive.Reverse().Select(has => has ? "CrossAttnUpBlock2D" : "UpBlock2D")),
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
            ["block_out_channels"] = ConfigFile.List(channels),
            ["down_block_types"] = ConfigFile.List(channels.Select(_ => "DownEncoderBlock2D")),
            ["force_upcast"] = true,
            ["in_channels"] = 3,
            ["latent_channels"] = 4,
            ["layers_per_block"] = layers,
            ["norm_num_groups"] = 32,
            ["out_channels"] = 3,
            ["scaling_factor"] = scale,
            ["up_block_types"] = ConfigFile.List(channels.Select(_ => "UpDecoderBlock2D")),
        };
    }

    /// <summary>Settings of a noise schedule, with the class that diffusers draws with by default.</summary>
    public static JsonObject Scheduler(string className, string prediction, string? spacing = null)
    {
        var config = Schedule(prediction);
        config["_class_name"] = className;
        if (spacing is not null) config["timestep_spacing"] = spacing;
        return config;
    }

    /// <summary>Settings of the noise schedule that all published models share.</summary>
    /// <param name="prediction">What the network predicts.</param>
    public static JsonObject Schedule(string prediction) => new()
    {
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
}
