using System.Globalization;

namespace BatchGen.Diffusion.Families.StableDiffusion;

/// <summary>Names of autoencoder tensors in original checkpoints.</summary>
internal static class LdmVaeNames
{
    /// <summary>From diffusers' name to that of ldm/modules/diffusionmodules/model.py.</summary>
    /// <param name="key">Tensor name of diffusers' AutoencoderKL.</param>
    /// <param name="levels">Resolutions of the autoencoder.</param>
    /// <param name="keepsAttention">True for files whose attention still has diffusers' names.</param>
    public static string Of(string key, int levels, bool keepsAttention)
    {
        var parts = key.Split('.').ToList();
        if (parts.Count > 2 && parts[1] is "down_blocks" or "up_blocks")
        {
            var level = int.Parse(parts[2], CultureInfo.InvariantCulture);
            // Levels are counted from the image in both halves of the original.
            var head = parts[1] == "down_blocks" ? $"{parts[0]}.down.{level}" : $"{parts[0]}.up.{levels - 1 - level}";
            return parts[3] switch
            {
                "resnets" => $"{head}.block.{parts[4]}.{Inside(parts[5..])}",
                "downsamplers" => $"{head}.downsample.conv.{parts[^1]}",
                _ => $"{head}.upsample.conv.{parts[^1]}",
            };
        }

        if (parts.Count > 2 && parts[1] == "mid_block")
        {
            if (parts[2] == "resnets")
                return $"{parts[0]}.mid.block_{int.Parse(parts[3], CultureInfo.InvariantCulture) + 1}.{Inside(parts[4..])}";
            var layer = parts[4] switch
            {
                "group_norm" => "norm",
                _ when keepsAttention => string.Join('.', parts[4..^1]),
                "to_q" => "q",
                "to_k" => "k",
                "to_v" => "v",
                _ => "proj_out",
            };
            return $"{parts[0]}.mid.attn_1.{layer}.{parts[^1]}";
        }

        return key.Replace("conv_norm_out", "norm_out", StringComparison.Ordinal);
    }

    private static string Inside(List<string> parts) =>
        string.Join('.', parts).Replace("conv_shortcut", "nin_shortcut", StringComparison.Ordinal);
}
