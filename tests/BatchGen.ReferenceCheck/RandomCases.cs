using System.Globalization;
using BatchGen.Diffusion.Safetensors;
using BatchGen.Diffusion.Sampling;
using static TorchSharp.torch;

namespace BatchGen.ReferenceCheck;

/// <summary><c>forward/rng.json</c>: the numbers of torch's CPU generator.</summary>
internal static class RandomCases
{
    public static IEnumerable<(string Name, Func<CaseResult> Run)> All(ReferenceSets sets)
    {
        using var index = sets.Index("forward", "rng.json");
        if (index is null) yield break;
        var path = Path.Combine(sets.Folder, index.RootElement.GetProperty("file").GetString()!);
        var tolerance = index.RootElement.GetProperty("tolerance_max_abs").GetDouble();
        string[] keys;
        using (var file = SafetensorsFile.Open(path))
            keys = file.Entries.Select(entry => entry.Name).Order(StringComparer.Ordinal).ToArray();
        // One case for each generator: successive calls on one belong together.
        foreach (var group in keys.GroupBy(
            key => string.Join('.', key.Split('.').Where(part => !part.StartsWith("call", StringComparison.Ordinal)))))
        {
            var name = "rng/" + group.Key;
            yield return (name, () =>
            {
                using var file = SafetensorsFile.Open(path);
                using var scope = NewDisposeScope();
                var seed = long.Parse(group.Key.Split('.')[1]["seed".Length..], CultureInfo.InvariantCulture);
                using var noise = new JobNoise(seed);
                var comparison = new Comparison(name);
                foreach (var key in group)
                {
                    var expected = file.ReadTensor(key);
                    comparison.Add(key, noise.Draw(expected.shape, expected.dtype), expected, tolerance);
                }

                return comparison.Result();
            });
        }
    }
}
