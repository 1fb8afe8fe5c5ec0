using BatchGen.Diffusion.Families;
using BatchGen.Diffusion.Safetensors;

namespace BatchGen.Diffusion.Adapters;

/// <summary>The tensors of an adapter file that belong to one module.</summary>
/// <param name="Component">Model component, or empty when the file does not say.</param>
/// <param name="Path">Module path as the file spells it, without prefix.</param>
/// <param name="Spelling">How its keys are spelled.</param>
/// <param name="Leaves">Its tensors by leaf name (<see cref="AdapterKey"/>).</param>
internal sealed record AdapterModule(
    string Component, string Path, KeySpelling Spelling, IReadOnlyDictionary<string, SafetensorsEntry> Leaves)
{
    /// <summary>Path with '.' written as '_', the one form all spellings share.</summary>
    public string FlatPath { get; } = Path.Replace('.', '_');

    /// <summary>The name of the module in messages: the key without its leaf.</summary>
    public string Name => Component.Length == 0 ? Path : Component + "/" + Path;

    /// <summary>True for names of a family's original code instead of diffusers'.</summary>
    public bool HasOriginalName { get; } = FamilyRenderings.All.Any(family => family.Adapters.IsOriginal(Path.Replace('.', '_')));

    /// <summary>How the delta is made; empty when the leaves make no known algorithm.</summary>
    public string Algorithm
    {
        get
        {
            var core = Has("up") || Has("down") ? "lora"
                : Has("hada_w1_a") || Has("hada_w1_b") ? "loha"
                : Leaves.Keys.Any(leaf => leaf.StartsWith("lokr_", StringComparison.Ordinal)) ? "lokr"
                : Has("on_input") && Has("weight") ? "ia3"
                : Has("oft_blocks") ? Leaves["oft_blocks"].Shape.Length == 4 ? "boft" : "oft"
                : Has("oft_diag") ? "oft"
                : Leaves.Keys.Any(leaf => leaf.StartsWith("glora_", StringComparison.Ordinal)) ? "glora"
                : Has("diff") || Has("diff_b") || Has("set_weight") ? "full"
                : Has("w_norm") || Has("b_norm") ? "norm"
                : "";
            return core.Length > 0 && (Has("dora_scale") || Has("magnitude")) ? "dora" : core;
        }
    }

    /// <summary>Rank of the module's factors; 0 where the algorithm has none.</summary>
    public int Rank => (int)Math.Min(int.MaxValue, Leaves switch
    {
        _ when Leaves.TryGetValue("down", out var down) => Axis(down, 0),
        _ when Leaves.TryGetValue("hada_w1_b", out var hada) => Axis(hada, 0),
        _ when Leaves.TryGetValue("lokr_w2_b", out var second) => Axis(second, 0),
        _ when Leaves.TryGetValue("lokr_w1_b", out var first) => Axis(first, 0),
        _ when Leaves.TryGetValue("glora_a2", out var glora) => glora.Shape.Length > 1 ? Math.Min(glora.Shape[0], glora.Shape[1]) : 0,
        _ => 0,
    });

    /// <summary>Input width of the module, computed from its factors; 0 where they do not determine it.</summary>
    public long InputWidth => Leaves switch
    {
        _ when Leaves.TryGetValue("down", out var down) => Axis(down, 1),
        _ when Leaves.TryGetValue("hada_w1_b", out var hada) => Axis(hada, 1),
        _ when Leaves.TryGetValue("diff", out var diff) => Axis(diff, 1),
        _ when Leaves.ContainsKey("lokr_w1") || Leaves.ContainsKey("lokr_w1_b") =>
            Axis(First("lokr_w1", "lokr_w1_b"), 1) * Axis(First("lokr_w2", "lokr_w2_b"), 1),
        _ => 0,
    };

    /// <summary>True for the two projections that read the text: their input width shows the model family.</summary>
    public bool ReadsContext =>
        FlatPath.EndsWith("attn2_to_k", StringComparison.Ordinal) || FlatPath.EndsWith("attn2_to_v", StringComparison.Ordinal);

    public bool Has(string leaf) => Leaves.ContainsKey(leaf);

    private SafetensorsEntry? First(string one, string other) => Leaves.GetValueOrDefault(one) ?? Leaves.GetValueOrDefault(other);

    private static long Axis(SafetensorsEntry? entry, int axis) => entry is not null && entry.Shape.Length > axis ? entry.Shape[axis] : 0;
}
