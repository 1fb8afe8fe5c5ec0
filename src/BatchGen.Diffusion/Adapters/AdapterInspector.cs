using System.Text.Json;
using BatchGen.Core.Failures;
using BatchGen.Core.Texts;
using BatchGen.Diffusion.Families;
using BatchGen.Diffusion.Safetensors;

namespace BatchGen.Diffusion.Adapters;

/// <summary>Reads what an adapter file is, without a model and without native torch.</summary>
public static class AdapterInspector
{
    private const int MaxTriggerWords = 20;

    /// <summary>Reads a file or PEFT folder and describes it.</summary>
    /// <exception cref="AdapterException">Missing, corrupt, a pickle, or no adapter at all.</exception>
    public static AdapterReport Inspect(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        using var file = AdapterFile.Load(path);
        var ranks = file.Modules.Select(module => module.Rank).Where(rank => rank > 0).ToArray();
        var context = file.Modules.Where(module => module.ReadsContext).Select(module => module.InputWidth)
            .FirstOrDefault(width => width > 0);
        return new AdapterReport(
            path,
            file.Sha256,
            file.Tensors.SizeBytes,
            FormatOf(file),
            AlgorithmOf(file),
            context == 0 && file.Modules.Count == 0 ? FamilyOf(file.Embeddings) : FamilyOf(context, file.Tensors.Metadata),
            context,
            ranks.Length == 0 ? 0 : ranks.Min(),
            ranks.Length == 0 ? 0 : ranks.Max(),
            file.Modules.GroupBy(module => module.Component)
                .ToDictionary(group => group.Key, group => group.Count(), StringComparer.Ordinal),
            file.Tensors.Entries.Select(entry => entry.Type.ToName()).Distinct().Order(StringComparer.Ordinal).ToArray(),
            TriggerWordsOf(file),
            file.Embeddings.Select(embedding => embedding.Entry.Name).ToArray(),
            file.UnknownKeys,
            WarningsOf(file),
            file.Tensors.Metadata);
    }

    /// <summary>Length of an adapter's weights, without reading them.</summary>
    /// <exception cref="AdapterException">The file, or the weights of a PEFT folder, are missing.</exception>
    public static long SizeOf(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var weights = new FileInfo(AdapterFile.FilesOf(path).Weights);
        return weights.Exists ? weights.Length : throw new AdapterException($"'{weights.FullName}' is missing.");
    }

    private static string FormatOf(AdapterFile file)
    {
        if (file.Modules.Count == 0) return "embedding";
        var names = file.Modules.Select(module => module.Spelling switch
        {
            KeySpelling.Kohya => module.HasOriginalName ? "kohya_sgm" : "kohya",
            KeySpelling.Peft => file.IsFolder ? "peft_folder" : "peft",
            KeySpelling.Diffusers => "diffusers",
            KeySpelling.AttentionProcessors => "attn_procs",
            KeySpelling.Cloneofsimo => "cloneofsimo",
            _ => throw new InvalidOperationException($"unknown spelling {module.Spelling}"),
        }).Distinct().ToArray();
        // Text encoder keys look alike in both kohya spellings; the UNet's keys decide.
        return names.Length > 1 && names.Contains("kohya_sgm") ? "kohya_sgm" : names[0];
    }

    private static string AlgorithmOf(AdapterFile file)
    {
        if (file.Modules.Count == 0) return "textual_inversion";
        var names = file.Modules.Select(module => module.Algorithm).Distinct().Order(StringComparer.Ordinal).ToArray();
        var convolves = file.Modules.Any(
            module => module.Leaves.TryGetValue("down", out var down) && down.Shape is [_, _, > 1, _] or [_, _, _, > 1]
                || module.Has("mid"));
        return string.Join('+', names.Select(name => name == "lora" && convolves ? "locon" : name));
    }

    private static string FamilyOf(long contextWidth, IReadOnlyDictionary<string, string> metadata)
    {
        // Shapes decide where they can; metadata may be missing or wrong.
        if (FamilyRenderings.OfContextWidth(contextWidth) is { } family) return family.Facts.Code;
        var version = metadata.GetValueOrDefault("ss_base_model_version", "") + " "
            + metadata.GetValueOrDefault("modelspec.architecture", "");
        // Where two tools named different base models, the later family is the one: earlier marks are left over from a template.
        return FamilyRenderings.All.LastOrDefault(candidate => candidate.Adapters.BaseModelMarks
            .Any(mark => version.Contains(mark, StringComparison.OrdinalIgnoreCase)))?.Facts.Code ?? "";
    }

    // A family with several text encoders has words of narrower families' widths too, so the widest that fits decides.
    private static string FamilyOf(IReadOnlyList<EmbeddingKey> embeddings)
    {
        var widths = embeddings.Select(embedding => embedding.Width).ToHashSet();
        return FamilyRenderings.All.OrderByDescending(family => family.Adapters.WordWidth)
            .FirstOrDefault(family => widths.Contains(family.Adapters.WordWidth))?.Facts.Code ?? "";
    }

    private static List<string> TriggerWordsOf(AdapterFile file)
    {
        var metadata = file.Tensors.Metadata;
        var words = file.Embeddings.Select(embedding => embedding.Trigger).Where(trigger => trigger.Length > 0).ToList();
        if (metadata.TryGetValue("modelspec.trigger_phrase", out var phrase))
            words.AddRange(phrase.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries));
        if (words.Count == 0 && metadata.TryGetValue("ss_tag_frequency", out var tags)) words.AddRange(MostFrequent(tags));
        return words.Distinct(StringComparer.Ordinal).Take(MaxTriggerWords).ToList();
    }

    private static IEnumerable<string> MostFrequent(string json)
    {
        var counts = new Dictionary<string, long>(StringComparer.Ordinal);
        try
        {
            using var document = ForeignJson.Parse(json);
            if (document.RootElement.ValueKind != JsonValueKind.Object) return [];
            foreach (var folder in document.RootElement.EnumerateObject().Where(folder => folder.Value.ValueKind == JsonValueKind.Object))
            {
                foreach (var tag in folder.Value.EnumerateObject().Where(tag => tag.Value.ValueKind == JsonValueKind.Number))
                {
                    if (tag.Value.TryGetInt64(out var count)) counts[tag.Name.Trim()] = counts.GetValueOrDefault(tag.Name.Trim()) + count;
                }
            }
        }
        catch (JsonException)
        {
            // Metadata is free text and nothing depends on it: text that cannot be read names no words.
            return [];
        }

        return counts.Where(pair => pair.Key.Length > 0).OrderByDescending(pair => pair.Value)
            .ThenBy(pair => pair.Key, StringComparer.Ordinal)
            .Select(pair => pair.Key);
    }

    private static List<string> WarningsOf(AdapterFile file)
    {
        var warnings = new List<string>();
        var originals = file.Modules.Count(module => module.HasOriginalName);
        if (originals > 0 && file.Modules.Any(module => FamilyRenderings.IsDenoiser(module.Component) && !module.HasOriginalName))
            warnings.Add("The UNet's modules come in two spellings; where both name one module, the diffusers one is used.");
        if (file.Embeddings.Count > 0)
            warnings.Add($"{file.Embeddings.Count} tensors are learned words (textual inversions): prompts use them by "
                + string.Join(", ", file.Embeddings.Select(embedding =>
                    embedding.Trigger.Length > 0 ? $"'{embedding.Trigger}'" : "the adapter's name").Distinct()) + ".");
        if (file.UnknownKeys.Count > 0)
            warnings.Add($"{file.UnknownKeys.Count} keys have no known form, for example '{file.UnknownKeys[0]}'.");
        if (file.Modules.Any(module => module.Has("bias_indices")))
            warnings.Add("Sparse bias corrections of an old extraction script are left out.");
        return warnings;
    }
}
