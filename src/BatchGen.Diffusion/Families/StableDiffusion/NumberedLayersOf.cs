using System.Globalization;
using System.Text.RegularExpressions;

namespace BatchGen.Diffusion.Families.StableDiffusion;

/// <summary>The order in which cloneofsimo/lora numbers the layers it changes (docs/adapter-formats.md section 9).</summary>
internal static partial class NumberedLayersOf
{
    /// <summary>
    /// The layers of a UNet in registration order: down blocks, up blocks, then the middle one; the order was verified on two real files.
    /// </summary>
    public static IEnumerable<string> UNet(IEnumerable<string> names)
    {
        string[] layers = ["attn1.to_q", "attn1.to_k", "attn1.to_v", "attn1.to_out.0", "ff.net.0.proj", "attn2.to_q", "attn2.to_k",
            "attn2.to_v", "attn2.to_out.0"];
        return names.Select(name => Transformer().Match(name)).Where(match => match.Success)
            .Select(match => (
                Side: match.Groups["side"].Value switch { "down_blocks" => 0, "up_blocks" => 1, _ => 2 },
                Block: match.Groups["block"].Success ? int.Parse(match.Groups["block"].ValueSpan, CultureInfo.InvariantCulture) : 0,
                Attention: int.Parse(match.Groups["attention"].ValueSpan, CultureInfo.InvariantCulture),
                Depth: int.Parse(match.Groups["depth"].ValueSpan, CultureInfo.InvariantCulture),
                Path: match.Value))
            .Distinct().Order()
            .SelectMany(block => layers.Select(layer => block.Path + "." + layer));
    }

    /// <summary>The layers of a text encoder.</summary>
    public static IEnumerable<string> TextEncoder(IEnumerable<string> names)
    {
        string[] layers = ["k_proj", "v_proj", "q_proj", "out_proj"];
        return names.Select(name => TextLayer().Match(name)).Where(match => match.Success)
            .Select(match => (Index: int.Parse(match.Groups["index"].ValueSpan, CultureInfo.InvariantCulture), Path: match.Value))
            .Distinct().Order()
            .SelectMany(layer => layers.Select(name => layer.Path + "." + name));
    }

    [GeneratedRegex(
        @"^(?<side>down_blocks|up_blocks|mid_block)(\.(?<block>[0-9]{1,4}))?"
        + @"\.attentions\.(?<attention>[0-9]{1,4})\.transformer_blocks\.(?<depth>[0-9]{1,4})",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex Transformer();

    [GeneratedRegex(@"^text_model\.encoder\.layers\.(?<index>[0-9]{1,4})\.self_attn",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex TextLayer();
}
