using System.Globalization;
using System.Text.RegularExpressions;
using BatchGen.Diffusion.Adapters;

namespace BatchGen.Diffusion.Families.StableDiffusion;

/// <summary>
/// Translates diffusers' names of UNet layers into those of the original code (LDM, SGM), which adapters and single files use
/// (docs/adapter-formats.md section 4).
/// </summary>
internal static partial class SgmNames
{
    private static readonly Dictionary<string, OriginalName> Single = new(StringComparer.Ordinal)
    {
        ["conv_in"] = new("input_blocks.0.0", "IN", 0),
        ["time_embedding.linear_1"] = new("time_embed.0", "", 0),
        ["time_embedding.linear_2"] = new("time_embed.2", "", 0),
        ["add_embedding.linear_1"] = new("label_emb.0.0", "", 0),
        ["add_embedding.linear_2"] = new("label_emb.0.2", "", 0),
        ["conv_norm_out"] = new("out.0", "", 0),
        ["conv_out"] = new("out.2", "", 0),
    };

    private static readonly Dictionary<string, string> InsideResnet = new(StringComparer.Ordinal)
    {
        ["norm1"] = "in_layers.0",
        ["conv1"] = "in_layers.2",
        ["time_emb_proj"] = "emb_layers.1",
        ["norm2"] = "out_layers.0",
        ["conv2"] = "out_layers.3",
        ["conv_shortcut"] = "skip_connection",
    };

    /// <summary>True for a layer name of the original code, written with '_' for '.'.</summary>
    public static bool IsOriginal(string flatPath) => flatPath.StartsWith("input_blocks_", StringComparison.Ordinal)
        || flatPath.StartsWith("middle_block_", StringComparison.Ordinal)
        || flatPath.StartsWith("output_blocks_", StringComparison.Ordinal)
        || flatPath.StartsWith("time_embed_", StringComparison.Ordinal)
        || flatPath.StartsWith("label_emb_", StringComparison.Ordinal)
        || flatPath is "out_0" or "out_2";

    /// <summary>Every module that has an original name, with it.</summary>
    /// <param name="modules">All module names of the UNet in diffusers spelling.</param>
    public static Dictionary<string, OriginalName> Of(IReadOnlyCollection<string> modules)
    {
        // Block numbers count the residual layers of a block and its sampler: 2 + 1 in every published model, read from the names here.
        var layers = modules.Select(module => Block().Match(module))
            .Where(match => match.Success && match.Groups["side"].Value == "down" && match.Groups["kind"].Value == "resnets")
            .Select(match => Number(match, "index") + 1).DefaultIfEmpty(2).Max();
        var attentive = modules.Select(module => Block().Match(module))
            .Where(match => match.Success && match.Groups["side"].Value == "up" && match.Groups["kind"].Value == "attentions")
            .Select(match => Number(match, "block")).ToHashSet();
        var names = new Dictionary<string, OriginalName>(StringComparer.Ordinal);
        foreach (var module in modules)
        {
            if (Translate(module, layers, attentive) is { } name) names[module] = name;
        }

        return names;
    }

    private static OriginalName? Translate(string module, int layers, HashSet<int> attentive)
    {
        if (Single.TryGetValue(module, out var single)) return single;
        if (Middle().Match(module) is { Success: true } middle)
        {
            var isResnet = middle.Groups["kind"].Value == "resnets";
            var place = isResnet ? 2 * Number(middle, "index") : 1;
            return new($"middle_block.{place}.{Inside(isResnet, middle.Groups["rest"].Value)}", "MID", 0);
        }

        if (Block().Match(module) is not { Success: true } match) return null;
        var (block, index, rest) = (Number(match, "block"), Number(match, "index"), match.Groups["rest"].Value);
        var isDown = match.Groups["side"].Value == "down";
        var perBlock = layers + 1;
        var number = isDown ? (perBlock * block) + index + 1 : (perBlock * block) + index;
        return match.Groups["kind"].Value switch
        {
            "resnets" => Named(isDown, number, $"0.{Inside(isResnet: true, rest)}"),
            "attentions" => Named(isDown, number, $"1.{rest}"),
            "downsamplers" => Named(isDown: true, perBlock * (block + 1), "0.op"),
            // The upsampler stands behind the attention where the block has one.
            "upsamplers" => Named(isDown: false, (perBlock * block) + layers, (attentive.Contains(block) ? "2." : "1.") + rest),
            _ => null,
        };
    }

    private static OriginalName Named(bool isDown, int number, string rest) =>
        new($"{(isDown ? "input" : "output")}_blocks.{number}.{rest}", isDown ? "IN" : "OUT", number);

    private static string Inside(bool isResnet, string rest) => isResnet ? InsideResnet.GetValueOrDefault(rest, rest) : rest;

    private static int Number(Match match, string group) => int.Parse(match.Groups[group].ValueSpan, CultureInfo.InvariantCulture);

    [GeneratedRegex(
        @"^(?<side>down|up)_blocks\.(?<block>[0-9]{1,4})\."
        + @"(?<kind>resnets|attentions|downsamplers|upsamplers)\.(?<index>[0-9]{1,4})\.(?<rest>.+)$",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex Block();

    [GeneratedRegex(@"^mid_block\.(?<kind>resnets|attentions)\.(?<index>[0-9]{1,4})\.(?<rest>.+)$",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex Middle();
}
