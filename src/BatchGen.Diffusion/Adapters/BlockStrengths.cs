using BatchGen.Core.Failures;
using BatchGen.Core.Families;

namespace BatchGen.Diffusion.Adapters;

/// <summary>Per-block multipliers of one adapter use (docs/adapter-formats.md section 10).</summary>
internal sealed class BlockStrengths
{
    private readonly Dictionary<string, double> _byPlace;

    private BlockStrengths(Dictionary<string, double> byPlace) => _byPlace = byPlace;

    /// <summary>Multiplier of the text encoders.</summary>
    public double Base => _byPlace[BlockStrengthLayout.Base];

    /// <summary>Reads a vector; null stays null.</summary>
    /// <exception cref="AdapterException">No layout has that many numbers, or the layout is for another model family.</exception>
    public static BlockStrengths? From(string adapter, IReadOnlyList<decimal>? vector, ModelFamily family)
    {
        if (vector is null) return null;
        if (family.FindLayout(vector.Count) is not { } layout)
        {
            string[] others = [.. ModelFamilies.All.Where(other => other.FindLayout(vector.Count) is not null)
                .Select(other => other.Title)];
            throw new AdapterException(
                $"Adapter '{adapter}' has {vector.Count} block "
                    + $"strengths{(others.Length > 0 ? $", the layout of {string.Join(" and ", others)}" : "")}, "
                + $"but a model of family {family.Code} takes {family.BlockStrengthCounts}.");
        }

        var byPlace = new Dictionary<string, double>(StringComparer.Ordinal);
        for (var i = 0; i < layout.Count; i++) byPlace[layout.Places[i]] = (double)vector[i];
        return new BlockStrengths(byPlace);
    }

    /// <summary>Multiplier of a layer.</summary>
    public double For(TargetModule module) =>
        module.IsTextEncoder ? Base
        : module.Place switch
        {
            "" => 1,
            BlockStrengthLayout.Middle => _byPlace.GetValueOrDefault(BlockStrengthLayout.Middle, 1),
            _ => _byPlace.GetValueOrDefault(module.Place + module.PlaceIndex, 1),
        };
}
