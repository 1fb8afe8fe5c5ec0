namespace BatchGen.Core.Families.StableDiffusion1;

/// <summary>Stable Diffusion 1.x.</summary>
public sealed class StableDiffusion1Family : ModelFamily
{
    private StableDiffusion1Family()
    {
    }

    /// <summary>The only instance of this family.</summary>
    public static StableDiffusion1Family Instance { get; } = new();

    /// <inheritdoc/>
    public override string Code => "sd15";

    /// <inheritdoc/>
    public override string Title => "SD 1.x";

    /// <inheritdoc/>
    public override int NativeSizePixels => 512;

    /// <inheritdoc/>
    public override IReadOnlyList<BlockStrengthLayout> BlockStrengthLayouts { get; } =
        [BlockStrengthLayout.BlocksWithAttention, BlockStrengthLayout.EveryBlock];
}
