using System.Text.RegularExpressions;
using BatchGen.Diffusion.Families;

namespace BatchGen.Diffusion.Adapters;

/// <summary>How a file spells its keys.</summary>
internal enum KeySpelling
{
    /// <summary>kohya and LyCORIS: flattened module path, then the leaf.</summary>
    Kohya,

    /// <summary>PEFT: <c>lora_A</c> and <c>lora_B</c>.</summary>
    Peft,

    /// <summary>diffusers since 2023-09: <c>lora.up</c> and <c>lora_linear_layer.up</c>.</summary>
    Diffusers,

    /// <summary>diffusers before that: attention processors.</summary>
    AttentionProcessors,

    /// <summary>cloneofsimo/lora: numbered layers.</summary>
    Cloneofsimo,
}

/// <summary>One key of an adapter file, split into component, module and leaf.</summary>
/// <param name="Component">Model component, or empty when the key does not say.</param>
/// <param name="Module">Module path as the file spells it, without prefix; numbers for cloneofsimo.</param>
/// <param name="Leaf">Which factor it is, in one spelling for all formats: <c>up</c>, <c>down</c>, <c>alpha</c>, <c>hada_w1_a</c>,
/// …</param>
/// <param name="Spelling">The spelling it was found in.</param>
internal readonly partial record struct AdapterKey(string Component, string Module, string Leaf, KeySpelling Spelling)
{
    // Leaf suffix, our name for it, spelling. docs/adapter-formats.md section 2. Longer suffixes first where one ends in another.
    private static readonly (string Suffix, string Leaf, KeySpelling Spelling)[] Leaves = new[]
    {
        (".lora_up.weight", "up", KeySpelling.Kohya),
        (".lora_down.weight", "down", KeySpelling.Kohya),
        (".lora_mid.weight", "mid", KeySpelling.Kohya),
        (".lora.up.weight", "up", KeySpelling.Diffusers),
        (".lora.down.weight", "down", KeySpelling.Diffusers),
        (".lora_linear_layer.up.weight", "up", KeySpelling.Diffusers),
        (".lora_linear_layer.down.weight", "down", KeySpelling.Diffusers),
        (".lora_A.weight", "down", KeySpelling.Peft),
        (".lora_B.weight", "up", KeySpelling.Peft),
        (".lora_B.bias", "up_bias", KeySpelling.Peft),
        (".lora_magnitude_vector.weight", "magnitude", KeySpelling.Peft),
        (".lora_magnitude_vector", "magnitude", KeySpelling.Peft),
    }
    .Concat(new[]
    {
        "alpha", "dora_scale", "scalar", "on_input", "diff", "diff_b", "set_weight", "w_norm", "b_norm",
        "hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b", "hada_t1", "hada_t2",
        "lokr_w1", "lokr_w1_a", "lokr_w1_b", "lokr_w2", "lokr_w2_a", "lokr_w2_b", "lokr_t1", "lokr_t2",
        "oft_blocks", "oft_diag", "rescale", "bias_indices", "bias_values", "bias_size",
    }
    .Select(leaf => ("." + leaf, leaf, KeySpelling.Kohya)))
    .Concat(new[] { "a1", "a2", "b1", "b2", "bm" }.Select(leaf => ($".{leaf}.weight", "glora_" + leaf, KeySpelling.Kohya)))
    // IA3's factor has no name of its own; it counts only beside an on_input.
    .Append((".weight", "weight", KeySpelling.Kohya))
    .OrderByDescending(row => row.Item1.Length)
    .ToArray();

    /// <summary>Splits a key; null when it is not an adapter's.</summary>
    public static AdapterKey? Split(string key)
    {
        if (Numbered().Match(key) is { Success: true } numbered)
            return new(
                numbered.Groups["component"].Value, numbered.Groups["index"].Value, numbered.Groups["leaf"].Value, KeySpelling.Cloneofsimo);
        if (Processor().Match(key) is { Success: true } processor) return SplitProcessor(processor);
        if (NamedPeft().Match(key) is { Success: true } named) key = named.Groups["start"].Value + named.Groups["end"].Value;
        foreach (var (suffix, leaf, spelling) in Leaves)
        {
            if (!key.EndsWith(suffix, StringComparison.Ordinal) || key.Length == suffix.Length) continue;
            var (component, module) = SplitPrefix(key[..^suffix.Length]);
            return new(component, module, leaf, spelling);
        }

        return null;
    }

    private static AdapterKey SplitProcessor(Match match)
    {
        var (component, parent) = SplitPrefix(match.Groups["parent"].Value);
        var projection = match.Groups["projection"].Value;
        // Text encoders call the same four projections by other names.
        var name = parent.EndsWith("self_attn", StringComparison.Ordinal)
            ? projection + "_proj"
            : projection == "out" ? "to_out.0" : "to_" + projection;
        return new(component, parent + "." + name, match.Groups["leaf"].Value, KeySpelling.AttentionProcessors);
    }

    private static (string Component, string Module) SplitPrefix(string path)
    {
        const string PeftRoot = "base_model.model.";
        if (path.StartsWith(PeftRoot, StringComparison.Ordinal)) path = path[PeftRoot.Length..];
        var prefix = FamilyRenderings.AdapterPrefixes.FirstOrDefault(
            candidate => path.StartsWith(candidate.Text, StringComparison.Ordinal));
        return prefix is null ? ("", path) : (prefix.Component, prefix.IsPartOfName ? path : path[prefix.Text.Length..]);
    }

    [GeneratedRegex(@"^(?<component>unet|text_encoder):(?<index>[0-9]{1,6}):(?<leaf>up|down)$",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex Numbered();

    [GeneratedRegex(@"^(?<parent>.*?)(\.processor)?\.to_(?<projection>q|k|v|out)_lora\.(?<leaf>up|down)\.weight$",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex Processor();

    // PEFT may put the adapter's name before the last part: lora_A.default.weight.
    [GeneratedRegex(@"^(?<start>.*\.lora_(A|B|magnitude_vector))\.[^.]+(?<end>\.weight|\.bias)$",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex NamedPeft();
}
