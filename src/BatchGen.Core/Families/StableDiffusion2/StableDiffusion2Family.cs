namespace BatchGen.Core.Families.StableDiffusion2;

/// <summary>Stable Diffusion 2.x.</summary>
public sealed class StableDiffusion2Family : ModelFamily
{
    private StableDiffusion2Family()
    {
    }

    /// <summary>The only instance of this family.</summary>
    public static StableDiffusion2Family Instance { get; } = new();

    /// <inheritdoc/>
    public override string Code => "sd21";

    /// <inheritdoc/>
    public override string Title => "SD 2.x";

    /// <inheritdoc/>
    /// <remarks>Half of the published models were trained on 768 pixels; the config of those says so.</remarks>
    public override int NativeSizePixels => 512;

    /// <inheritdoc/>
    public override IReadOnlyList<BlockStrengthLayout> BlockStrengthLayouts { get; } =
        [BlockStrengthLayout.BlocksWithAttention, BlockStrengthLayout.EveryBlock];
}
