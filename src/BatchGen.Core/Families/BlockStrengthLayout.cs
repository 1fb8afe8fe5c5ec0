namespace BatchGen.Core.Families;

/// <summary>Which block of the network each number of a list of block strengths is for.</summary>
/// <remarks>
/// Places are <c>BASE</c> (the text encoders), <c>IN0</c> to <c>IN11</c>, <c>MID</c> and <c>OUT0</c> to <c>OUT11</c>; a block left out
/// keeps 1.
/// Source: kohya-ss/sd-scripts, networks/svd_merge_lora.py (docs/adapter-formats.md section 10).
/// </remarks>
/// <param name="Places">The places in the order of the numbers.</param>
public sealed record BlockStrengthLayout(IReadOnlyList<string> Places)
{
    /// <summary>The place of the text encoders.</summary>
    public const string Base = "BASE";

    /// <summary>The place of the middle block.</summary>
    public const string Middle = "MID";

    /// <summary>Numbers in such a list.</summary>
    public int Count => Places.Count;

    /// <summary>
    /// Every block of the largest network of the Stable Diffusion families: 26 numbers, which each of these families takes.
    /// </summary>
    public static BlockStrengthLayout EveryBlock { get; } = Of(Blocks("IN", 0, 11), Blocks("OUT", 0, 11));

    /// <summary>The blocks with attention of the network of SD 1.x and 2.x: 17 numbers.</summary>
    public static BlockStrengthLayout BlocksWithAttention { get; } = Of(["IN1", "IN2", "IN4", "IN5", "IN7", "IN8"], Blocks("OUT", 3, 11));

    /// <summary>A layout of the text encoders, input blocks, the middle block and output blocks.</summary>
    public static BlockStrengthLayout Of(IEnumerable<string> inputs, IEnumerable<string> outputs) =>
        new([Base, .. inputs, Middle, .. outputs]);

    /// <summary>The names of consecutive blocks.</summary>
    /// <param name="side"><c>IN</c> or <c>OUT</c>.</param>
    /// <param name="first">Number of the first block.</param>
    /// <param name="last">Number of the last block.</param>
    public static IEnumerable<string> Blocks(string side, int first, int last) =>
        Enumerable.Range(first, last - first + 1).Select(i => side + i);
}
