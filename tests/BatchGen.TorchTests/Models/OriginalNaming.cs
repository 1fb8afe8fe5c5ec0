using System.Text.RegularExpressions;
using BatchGen.Diffusion.Safetensors;

namespace BatchGen.TorchTests.Models;

/// <summary>
/// The published names of single-file checkpoints, written down a second time and the other way round: from the folder's tensors to the
/// file's.
/// </summary>
internal static partial class OriginalNaming
{
    public static IEnumerable<SafetensorsItem> OpenClip(SafetensorsItem[] items, string prefix, bool extraLayer)
    {
        var layers = items.Select(item => Regex.Match(item.Name, @"layers\.(\d+)\.")).Where(match => match.Success)
            .Max(match => int.Parse(match.Groups[1].Value)) + 1;
        foreach (var item in items.Where(item => !item.Name.Contains("self_attn.q_proj", StringComparison.Ordinal)
            && !item.Name.Contains("self_attn.k_proj", StringComparison.Ordinal)))
        {
            var name = item.Name;
            var made = item;
            if (name.Contains("self_attn.v_proj", StringComparison.Ordinal))
            {
                var parts = new[] { "q_proj", "k_proj", "v_proj" }.Select(
                    part => items.First(candidate => candidate.Name == name.Replace("v_proj", part, StringComparison.Ordinal)));
                made = item with { Shape = [item.Shape[0] * 3, .. item.Shape[1..]], Bytes = parts.SelectMany(part => part.Bytes.ToArray())
                    .ToArray() };
                name = Regex.Replace(name, @"self_attn\.v_proj\.", "attn.in_proj_");
            }

            if (name == "text_projection.weight") made = Transpose(item);
            name = name.Replace("text_model.encoder.layers.", "transformer.resblocks.", StringComparison.Ordinal)
                .Replace("layer_norm1", "ln_1", StringComparison.Ordinal)
                .Replace("layer_norm2", "ln_2", StringComparison.Ordinal)
                .Replace("self_attn.out_proj", "attn.out_proj", StringComparison.Ordinal)
                .Replace("mlp.fc1", "mlp.c_fc", StringComparison.Ordinal).Replace("mlp.fc2", "mlp.c_proj", StringComparison.Ordinal)
                .Replace("text_model.final_layer_norm", "ln_final", StringComparison.Ordinal)
                .Replace("text_model.embeddings.token_embedding", "token_embedding", StringComparison.Ordinal)
                .Replace("text_model.embeddings.position_embedding.weight", "positional_embedding", StringComparison.Ordinal)
                .Replace("text_projection.weight", "text_projection", StringComparison.Ordinal);
            yield return made with { Name = prefix + name };
            if (extraLayer && name.StartsWith($"transformer.resblocks.{layers - 1}.", StringComparison.Ordinal))
                yield return made with { Name = prefix + name.Replace(
                    $"resblocks.{layers - 1}.", $"resblocks.{layers}.", StringComparison.Ordinal) };
        }

        yield return new SafetensorsItem(prefix + "logit_scale", SafetensorsType.F32, [], new byte[4]);
        // Behind the layer that SD 2.x leaves out comes a projection that it does not read.
        if (extraLayer) yield return new SafetensorsItem(prefix + "text_projection", SafetensorsType.F16, [2, 2], new byte[8]);
    }

    public static SafetensorsItem Transpose(SafetensorsItem item)
    {
        var (rows, columns) = ((int)item.Shape[0], (int)item.Shape[1]);
        var bytes = new byte[item.Bytes.Length];
        for (var row = 0; row < rows; row++)
        {
            for (var column = 0; column < columns; column++)
                item.Bytes.Span.Slice((row * columns + column) * 2, 2).CopyTo(bytes.AsSpan((column * rows + row) * 2));
        }

        return item with { Shape = [columns, rows], Bytes = bytes };
    }

    public static SafetensorsItem[] Items(string source, string component)
    {
        using var file = SafetensorsFile.Open(Directory.EnumerateFiles(Path.Combine(source, component), "*.safetensors").Single());
        return file.Entries.Select(entry => new SafetensorsItem(entry.Name, entry.Type, entry.Shape, file.Bytes(entry).ToArray()))
            .ToArray();
    }

    public static string UNetName(string name, HashSet<int> attentive)
    {
        string Inside(string rest) => rest.Replace("norm1", "in_layers.0", StringComparison.Ordinal)
            .Replace("conv1", "in_layers.2", StringComparison.Ordinal)
            .Replace("time_emb_proj", "emb_layers.1", StringComparison.Ordinal).Replace("norm2", "out_layers.0", StringComparison.Ordinal)
            .Replace("conv2", "out_layers.3", StringComparison.Ordinal)
            .Replace("conv_shortcut", "skip_connection", StringComparison.Ordinal);
        if (DownResnet().Match(name) is { Success: true } a)
            return $"input_blocks.{3 * N(a, 1) + N(a, 2) + 1}.0.{Inside(a.Groups[3].Value)}";
        if (DownAttention().Match(name) is { Success: true } b) return $"input_blocks.{3 * N(b, 1) + N(b, 2) + 1}.1.{b.Groups[3].Value}";
        if (Downsampler().Match(name) is { Success: true } c) return $"input_blocks.{3 * (N(c, 1) + 1)}.0.op.{c.Groups[2].Value}";
        if (UpResnet().Match(name) is { Success: true } d) return $"output_blocks.{3 * N(d, 1) + N(d, 2)}.0.{Inside(d.Groups[3].Value)}";
        if (UpAttention().Match(name) is { Success: true } e) return $"output_blocks.{3 * N(e, 1) + N(e, 2)}.1.{e.Groups[3].Value}";
        // Block 0 of SD 1.x and 2.x has no attention, so its upsampler is the second module; elsewhere it is the third.
        if (Upsampler().Match(name) is { Success: true } f)
            return $"output_blocks.{3 * N(f, 1) + 2}.{(attentive.Contains(N(f, 1)) ? 2 : 1)}.conv.{f.Groups[2].Value}";
        if (name.StartsWith("mid_block.resnets.", StringComparison.Ordinal))
            return $"middle_block.{2 * (name[18] - '0')}.{Inside(name[20..])}";
        if (name.StartsWith("mid_block.attentions.0.", StringComparison.Ordinal)) return "middle_block.1." + name[23..];
        return name.Replace("conv_in.", "input_blocks.0.0.", StringComparison.Ordinal)
            .Replace("time_embedding.linear_1", "time_embed.0", StringComparison.Ordinal)
            .Replace("time_embedding.linear_2", "time_embed.2", StringComparison.Ordinal)
            .Replace("add_embedding.linear_1", "label_emb.0.0", StringComparison.Ordinal)
            .Replace("add_embedding.linear_2", "label_emb.0.2", StringComparison.Ordinal)
            .Replace("conv_norm_out", "out.0", StringComparison.Ordinal).Replace("conv_out", "out.2", StringComparison.Ordinal);
    }

    public static string VaeName(string name)
    {
        name = Regex.Replace(name, @"encoder\.down_blocks\.(\d)\.resnets\.(\d)\.", "encoder.down.$1.block.$2.");
        name = Regex.Replace(name, @"encoder\.down_blocks\.(\d)\.downsamplers\.0\.", "encoder.down.$1.downsample.");
        // Two levels: the decoder counts from the image.
        name = Regex.Replace(
            name, @"decoder\.up_blocks\.(\d)\.resnets\.(\d)\.", match => $"decoder.up.{1 - N(match, 1)}.block.{match.Groups[2].Value}.");
        name = Regex.Replace(name, @"decoder\.up_blocks\.(\d)\.upsamplers\.0\.", match => $"decoder.up.{1 - N(match, 1)}.upsample.");
        name = name.Replace("mid_block.resnets.0", "mid.block_1", StringComparison.Ordinal)
            .Replace("mid_block.resnets.1", "mid.block_2", StringComparison.Ordinal)
            .Replace("mid_block.attentions.0", "mid.attn_1", StringComparison.Ordinal)
            .Replace("conv_shortcut", "nin_shortcut", StringComparison.Ordinal)
            .Replace("conv_norm_out", "norm_out", StringComparison.Ordinal);
        name = Regex.Replace(name, @"attn_1\.group_norm", "attn_1.norm");
        name = Regex.Replace(name, @"attn_1\.(query|to_q)\.", "attn_1.q.");
        name = Regex.Replace(name, @"attn_1\.(key|to_k)\.", "attn_1.k.");
        name = Regex.Replace(name, @"attn_1\.(value|to_v)\.", "attn_1.v.");
        return Regex.Replace(name, @"attn_1\.(proj_attn|to_out\.0)\.", "attn_1.proj_out.");
    }

    private static int N(Match match, int group) => int.Parse(match.Groups[group].Value);

    [GeneratedRegex(@"^down_blocks\.(\d)\.resnets\.(\d)\.(.*)$")]
    private static partial Regex DownResnet();

    [GeneratedRegex(@"^down_blocks\.(\d)\.attentions\.(\d)\.(.*)$")]
    private static partial Regex DownAttention();

    [GeneratedRegex(@"^down_blocks\.(\d)\.downsamplers\.0\.conv\.(.*)$")]
    private static partial Regex Downsampler();

    [GeneratedRegex(@"^up_blocks\.(\d)\.resnets\.(\d)\.(.*)$")]
    private static partial Regex UpResnet();

    [GeneratedRegex(@"^up_blocks\.(\d)\.attentions\.(\d)\.(.*)$")]
    private static partial Regex UpAttention();

    [GeneratedRegex(@"^up_blocks\.(\d)\.upsamplers\.0\.conv\.(.*)$")]
    private static partial Regex Upsampler();
}
