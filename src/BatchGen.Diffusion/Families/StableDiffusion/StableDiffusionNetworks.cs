using BatchGen.Diffusion.Models;

namespace BatchGen.Diffusion.Families.StableDiffusion;

/// <summary>The networks that models of SD 1.x, 2.x and XL are made of.</summary>
internal static class StableDiffusionNetworks
{
    /// <summary>The UNet, which predicts the noise.</summary>
    public static FamilyNetwork UNet { get; } = new(
        "unet", NetworkRole.Denoiser, "diffusers", "UNet2DConditionModel", "diffusion_pytorch_model",
        (config, weights) => new UNetModel(config, weights));

    /// <summary>The autoencoder between images and latents.</summary>
    public static FamilyNetwork Vae { get; } = new(
        "vae", NetworkRole.Autoencoder, "diffusers", "AutoencoderKL", "diffusion_pytorch_model",
        (config, weights) => new AutoencoderKl(config, weights));

    /// <summary>The only text encoder, or the first of two.</summary>
    public static FamilyNetwork TextEncoder { get; } = new(
        "text_encoder", NetworkRole.TextEncoder, "transformers", "CLIPTextModel", "model",
        (config, weights) => new ClipTextModel(config, weights, hasProjection: false));

    /// <summary>The second text encoder of SDXL, which also makes one vector of the whole text.</summary>
    public static FamilyNetwork SecondTextEncoder { get; } = new(
        "text_encoder_2", NetworkRole.TextEncoder, "transformers", "CLIPTextModelWithProjection", "model",
        (config, weights) => new ClipTextModel(config, weights, hasProjection: true));
}
