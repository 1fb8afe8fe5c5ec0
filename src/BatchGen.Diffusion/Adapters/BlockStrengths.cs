using BatchGen.Core.Failures;

namespace BatchGen.Diffusion.Adapters;

/// <summary>Per-block multipliers of one adapter use (docs/adapter-formats.md section 10).</summary>
internal sealed class BlockStrengths
{
    // Places a vector of each length lists; places left out keep 1. kohya-ss/sd-scripts networks/svd_merge_lora.py.
    private static readonly Dictionary<int, string[]> Layouts = new()
    {
        [26] = Places("BASE", Range("IN", 0, 11), "MID", Range("OUT", 0, 11)),
        [17] = Places("BASE", ["IN1", "IN2", "IN4", "IN5", "IN7", "IN8"], "MID", Range("OUT", 3, 11)),
        [20] = Places("BASE", Range("IN", 0, 8), "MID", Range("OUT", 0, 8)),
        [12] = Places("BASE", ["IN4", "IN5", "IN7", "IN8"], "MID", Range("OUT", 0, 5)),
    };

    private readonly Dictionary<string, double> _byPlace;

    private BlockStrengths(Dictionary<string, double> byPlace) => _byPlace = byPlace;

    /// <summary>Multiplier of the text encoders.</summary>
    public double Base => _byPlace["BASE"];

    /// <summary>Reads a vector; null stays null.</summary>
    /// <exception cref="AdapterException">No layout has that many numbers, or the layout is for another model family.</exception>
    public static BlockStrengths? From(string adapter, IReadOnlyList<decimal>? vector, string family)
    {
        if (vector is null) return null;
        if (!Layouts.TryGetValue(vector.Count, out var places))
        {
            throw new AdapterException(
                $"Adapter '{adapter}' has {vector.Count} block strengths; there must be 17 (SD 1.x and 2.x), 12 or 20 (SDXL), or 26 (all blocks).");
        }

        if (family == "sdxl" ? vector.Count == 17 : vector.Count is 12 or 20)
        {
            throw new AdapterException(
                $"Adapter '{adapter}' has {vector.Count} block strengths, the layout of {(family == "sdxl" ? "SD 1.x and 2.x" : "SDXL")}, but the model is of family {family}. "
                + (family == "sdxl" ? "Give 12, 20 or 26 numbers." : "Give 17 or 26 numbers."));
        }

        var byPlace = new Dictionary<string, double>(StringComparer.Ordinal);
        for (var i = 0; i < places.Length; i++) byPlace[places[i]] = (double)vector[i];
        return new BlockStrengths(byPlace);
    }

    /// <summary>Multiplier of a layer.</summary>
    public double For(TargetModule module) =>
        module.Component != "unet" ? Base
        : module.Place switch
        {
            "" => 1,
            "MID" => _byPlace.GetValueOrDefault("MID", 1),
            _ => _byPlace.GetValueOrDefault(module.Place + module.PlaceIndex, 1),
        };

    private static string[] Places(string first, string[] inputs, string middle, string[] outputs) => [first, .. inputs, middle, .. outputs];

    private static string[] Range(string side, int from, int to) => Enumerable.Range(from, to - from + 1).Select(i => side + i).ToArray();
}
