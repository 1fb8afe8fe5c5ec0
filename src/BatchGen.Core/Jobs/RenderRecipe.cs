using BatchGen.Core.Adapters;

namespace BatchGen.Core.Jobs;

/// <summary>Everything that decides one picture's pixels and file form, as the job asks for it.</summary>
public sealed record RenderRecipe
{
    /// <summary>The strength of a job that names none; the database fills in the same.</summary>
    public const double DefaultStrength = 0.8;

    /// <summary>What to draw; empty is legal.</summary>
    public required string Prompt { get; init; }

    /// <summary>What to keep away from; empty is legal, null means not given (differs from empty for SDXL).</summary>
    public string? NegativePrompt { get; init; }

    /// <summary>Base model and adapters with strengths.</summary>
    public required AdapterSignature Signature { get; init; }

    /// <value>Pixels, a multiple of 8.</value>
    public required int WidthPixels { get; init; }

    /// <value>Pixels, a multiple of 8.</value>
    public required int HeightPixels { get; init; }

    /// <value>Denoising steps, 1 to 1000.</value>
    public required int Steps { get; init; }

    /// <summary>Sampler name, for example <c>ddim</c>, <c>euler</c> (<see cref="Rendering.SamplerNames"/>).</summary>
    public required string Sampler { get; init; }

    /// <value>Classifier-free guidance scale; 1 means none.</value>
    public required double GuidanceScale { get; init; }

    /// <summary>Seed of the picture's own noise generator, as <c>torch.Generator().manual_seed</c> takes it.</summary>
    public required long Seed { get; init; }

    /// <summary>File form of the picture.</summary>
    public ImageFormat Format { get; init; } = ImageFormat.Png;

    /// <summary>Layers of the text encoder to leave out at its end; 0 uses all (diffusers' <c>clip_skip</c>).</summary>
    public int ClipSkip { get; init; }

    /// <summary>Picture to start from: its path below the worker's start image folder, with '/'; null starts from noise alone.</summary>
    public string? StartImagePath { get; init; }

    /// <summary>How much of the start image is drawn anew, above 0 to 1 (diffusers' <c>strength</c>); without a start picture it means nothing.</summary>
    public double Strength { get; init; } = DefaultStrength;

    /// <summary>Share of rescaled guidance, 0 to 1, against washed-out colours of velocity models (diffusers' <c>guidance_rescale</c>); 0 is none.</summary>
    public double GuidanceRescale { get; init; }
}

/// <summary>File forms a picture can be saved in.</summary>
public enum ImageFormat
{
    /// <summary>PNG, lossless.</summary>
    Png,

    /// <summary>WebP, lossless.</summary>
    WebP,

    /// <summary>JPEG, quality 95, no chroma subsampling.</summary>
    Jpeg,
}

/// <summary>Text forms of <see cref="ImageFormat"/>.</summary>
public static class ImageFormats
{
    /// <summary>The name jobs use: <c>png</c>, <c>webp</c>, <c>jpeg</c>.</summary>
    public static string ToCode(this ImageFormat format) => format switch
    {
        ImageFormat.Png => "png",
        ImageFormat.WebP => "webp",
        ImageFormat.Jpeg => "jpeg",
        _ => throw new ArgumentOutOfRangeException(nameof(format), format, "unknown image format"),
    };

    /// <summary>The file name ending, with the dot.</summary>
    public static string Extension(this ImageFormat format) => format == ImageFormat.Jpeg ? ".jpg" : "." + format.ToCode();

    /// <summary>Reads the name jobs use.</summary>
    /// <exception cref="FormatException">The name is not one of the three.</exception>
    public static ImageFormat Parse(string code) => code switch
    {
        "png" => ImageFormat.Png,
        "webp" => ImageFormat.WebP,
        "jpeg" => ImageFormat.Jpeg,
        _ => throw new FormatException($"Image format '{code}' is not known; use png, webp or jpeg."),
    };
}
