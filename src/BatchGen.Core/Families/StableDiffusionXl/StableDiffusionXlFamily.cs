namespace BatchGen.Core.Families.StableDiffusionXl;

/// <summary>Stable Diffusion XL: two text encoders, and a network that reads the size of the image.</summary>
public sealed class StableDiffusionXlFamily : ModelFamily
{
    private StableDiffusionXlFamily()
    {
    }

    /// <summary>The only instance of this family.</summary>
    public static StableDiffusionXlFamily Instance { get; } = new();

    /// <inheritdoc/>
    public override string Code => "sdxl";

    /// <inheritdoc/>
    public override string Title => "SDXL";

    /// <inheritdoc/>
    public override int NativeSizePixels => 1024;

    /// <inheritdoc/>
    /// <remarks>12 numbers for the blocks with attention, 20 for the blocks this network has, 26 for those of every network.</remarks>
    public override IReadOnlyList<BlockStrengthLayout> BlockStrengthLayouts { get; } =
    [
        BlockStrengthLayout.Of(["IN4", "IN5", "IN7", "IN8"], BlockStrengthLayout.Blocks("OUT", 0, 5)),
        BlockStrengthLayout.Of(BlockStrengthLayout.Blocks("IN", 0, 8), BlockStrengthLayout.Blocks("OUT", 0, 8)),
        BlockStrengthLayout.EveryBlock,
    ];

    /// <inheritdoc/>
    /// <remarks>The first text encoder has 12 layers; the last one is always left out and one must remain.</remarks>
    public override IReadOnlyList<JobFieldRule> JobFieldRules { get; } = [new("clip_skip", Maximum: 10)];
}
