using BatchGen.Diffusion.Safetensors;

namespace BatchGen.Diffusion.Adapters;

/// <summary>One tensor of a learned word (textual inversion; docs/adapter-formats.md section 8).</summary>
/// <param name="Trigger">What the file says is written in prompts; empty where only the adapter's name can say.</param>
/// <param name="IsForSecond">True when the key says that it is for the second of two text encoders, false for the first; null when only the
/// width decides.</param>
/// <param name="Entry">The tensor, [v, D] or [D].</param>
internal sealed record EmbeddingKey(string Trigger, bool? IsForSecond, SafetensorsEntry Entry)
{
    private const string Bundle = "bundle_emb.";

    /// <summary>Width of the text encoder it speaks to.</summary>
    public long Width => Entry.Shape.Length == 0 ? 0 : Entry.Shape[^1];

    /// <summary>Reads a key; null when it is not a learned word.</summary>
    public static EmbeddingKey? Of(SafetensorsEntry entry, SafetensorsFile file)
    {
        if (!entry.Type.IsFloat() || entry.Shape.Length is not (1 or 2)) return null;
        if (file.Metadata.GetValueOrDefault(entry.Name) == "<embed>") return new EmbeddingKey(entry.Name, null, entry);
        if (entry.Name.StartsWith(Bundle, StringComparison.Ordinal))
        {
            var rest = entry.Name[Bundle.Length..];
            var dot = rest.LastIndexOf('.');
            // Old bundles keep A1111's dictionary: NAME.string_to_param.*
            var name = dot < 0 ? rest : rest[..dot].Replace(".string_to_param", "", StringComparison.Ordinal);
            return new EmbeddingKey(name, Second(rest[(dot + 1)..]), entry);
        }

        if (entry.Name is "emb_params" or "clip_l" or "clip_g" or "text_encoders_0" or "text_encoders_1")
            return new EmbeddingKey("", Second(entry.Name), entry);
        // diffusers' learned_embeds.safetensors: the token is the key, and there is nothing else.
        var isToken = entry.Name.StartsWith('<') && entry.Name.EndsWith('>');
        return isToken || (file.Entries.Count == 1 && AdapterKey.Split(entry.Name) is null) ? new EmbeddingKey(entry.Name, null, entry)
            : null;
    }

    private static bool? Second(string key) => key switch
    {
        "clip_g" or "text_encoders_1" => true,
        "clip_l" or "text_encoders_0" => false,
        _ => null,
    };
}
