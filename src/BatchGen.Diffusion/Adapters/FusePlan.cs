using BatchGen.Core.Adapters;
using BatchGen.Core.Failures;
using BatchGen.Diffusion.Adapters.Deltas;
using BatchGen.Diffusion.Families;
using BatchGen.Diffusion.Weights;
using static TorchSharp.torch;

namespace BatchGen.Diffusion.Adapters;

/// <summary>One delta that goes into one weight.</summary>
/// <param name="Adapter">Name of the adapter.</param>
/// <param name="Delta">The delta.</param>
/// <param name="Strength">Its multiplier: of the use, the component and the block.</param>
/// <param name="Layer">The layer's weight tensor, which gives device, type and width for a bias that the layer does not have.</param>
internal readonly record struct FusePart(string Adapter, ModuleDelta Delta, double Strength, Tensor Layer);

/// <summary>Which deltas go into which weights; made and checked whole before anything is computed.</summary>
internal sealed class FusePlan(ModuleMap modules)
{
    private readonly Dictionary<Weight, List<FusePart>> _parts = [];

    /// <summary>Matches one adapter with the model's layers.</summary>
    /// <returns>Keys of the file that change nothing in this model.</returns>
    /// <exception cref="AdapterException">Another family, a shape that does not fit, or nothing that fits.</exception>
    public IReadOnlyList<string> Add(AdapterUse use, LoadedAdapter adapter)
    {
        CheckFamily(use, adapter);
        var unmatched = new List<string>(adapter.OtherKeys);
        var matched = new HashSet<TargetModule>();
        var blocks = BlockStrengths.From(use.Name, use.BlockStrengths, modules.Family.Facts);
        // diffusers' names first: where a file names one layer in both spellings, the original one is left out.
        foreach (var module in adapter.Modules.OrderBy(module => module.Module.HasOriginalName))
        {
            var target = modules.Find(module.Module);
            if (target is null || !matched.Add(target) || !Fits(module, target))
            {
                unmatched.AddRange(module.Module.Leaves.Values.Select(entry => entry.Name));
                continue;
            }

            var strength = (double)(target.IsTextEncoder ? use.EffectiveTextEncoderStrength : use.Strength) * (blocks?.For(target) ?? 1);
            Add(use, adapter, target, target.Weight, module.Weight, strength);
            Add(use, adapter, target, target.Bias, module.Bias, strength);
        }

        if (matched.Count == 0 && adapter.Embeddings.Count == 0)
        {
            throw new AdapterException(
                $"Adapter '{use.Name}' ('{adapter.Path}') fits nothing in this model: none of its "
                    + $"{adapter.Modules.Count} modules is a layer of it"
                + (adapter.Modules.Count > 0 ? $" (the first is {adapter.Modules[0].Module.Name})" : "")
                + ". It is made for another kind of model.");
        }

        return unmatched;
    }

    /// <summary>Touched weights with their deltas, in the model's order.</summary>
    public IEnumerable<(Weight Weight, IReadOnlyList<FusePart> Parts)> InModelOrder() =>
        _parts.OrderBy(pair => pair.Key.Name, StringComparer.Ordinal).Select(pair => (pair.Key, (IReadOnlyList<FusePart>)pair.Value));

    private static bool Fits(LoadedModule module, TargetModule target) =>
        (module.Weight is null || target.Weight?.Base is not null) && (module.Bias is null || target.Bias is not null);

    private void Add(AdapterUse use, LoadedAdapter adapter, TargetModule target, Weight? weight, ModuleDelta? delta, double strength)
    {
        if (delta is null || weight is null) return;
        // A bias that the layer does not have is as long as the layer has outputs.
        var layer = target.Weight?.Base ?? weight.Base!;
        var shape = weight.Base?.shape ?? [layer.shape[0]];
        if (delta.Misfit(shape) is { } problem)
        {
            throw new AdapterException(
                $"Adapter '{use.Name}' ('{adapter.Path}') does not fit this model: at {target.FullName}, {problem}. "
                    + "It is made for another model; nothing was applied.");
        }

        // Strength 0 is the identity for every algorithm; leaving the part out keeps it exact.
        if (strength == 0) return;
        if (!_parts.TryGetValue(weight, out var parts)) _parts[weight] = parts = [];
        parts.Add(new FusePart(use.Name, delta, strength, layer));
    }

    // The width of the texts that cross-attention reads differs between all families, whatever the names say.
    private void CheckFamily(AdapterUse use, LoadedAdapter adapter)
    {
        if (modules.ContextWidth == 0) return;
        foreach (var module in adapter.Modules.Where(module => module.Module.ReadsContext && module.Module.InputWidth > 0))
        {
            if (module.Module.InputWidth == modules.ContextWidth) return;
            throw new AdapterException(
                $"Adapter '{use.Name}' ('{adapter.Path}') is made for another model family: its cross-attention reads texts of width "
                    + $"{module.Module.InputWidth}"
                + $"{Known(module.Module.InputWidth)}, this model's is {modules.ContextWidth}{Known(modules.ContextWidth)}. "
                + "Nothing was applied.");
        }
    }

    private static string Known(long width) => FamilyRenderings.OfContextWidth(width) is { } family ? $" ({family.Facts.Title})" : "";
}
