namespace BatchGen.Diffusion.Families.StableDiffusion;

/// <summary>Names of text encoder tensors in OpenCLIP (open_clip/transformer.py).</summary>
internal static class OpenClipNames
{
    /// <summary>From the name in transformers' CLIPTextModel to that in OpenCLIP.</summary>
    /// <param name="key">Tensor name of CLIPTextModel.</param>
    /// <returns>The name, and which third of that tensor where query, key and value lie in one.</returns>
    public static (string Name, int? Part) Of(string key)
    {
        var parts = key.Split('.');
        var leaf = parts[^1];
        switch (parts[^2])
        {
            case "token_embedding": return ("token_embedding.weight", null);
            case "position_embedding": return ("positional_embedding", null);
            case "final_layer_norm": return ("ln_final." + leaf, null);
        }

        var layer = $"transformer.resblocks.{parts[3]}.";
        return parts[^2] switch
        {
            "layer_norm1" => ($"{layer}ln_1.{leaf}", null),
            "layer_norm2" => ($"{layer}ln_2.{leaf}", null),
            "fc1" => ($"{layer}mlp.c_fc.{leaf}", null),
            "fc2" => ($"{layer}mlp.c_proj.{leaf}", null),
            "out_proj" => ($"{layer}attn.out_proj.{leaf}", null),
            "q_proj" => ($"{layer}attn.in_proj_{leaf}", 0),
            "k_proj" => ($"{layer}attn.in_proj_{leaf}", 1),
            "v_proj" => ($"{layer}attn.in_proj_{leaf}", 2),
            _ => throw new InvalidOperationException($"'{key}' has no name in OpenCLIP."),
        };
    }
}
