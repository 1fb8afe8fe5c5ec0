using System.Globalization;
using System.Text.Json;
using BatchGen.Core.Adapters;
using BatchGen.Core.Failures;
using BatchGen.Core.Registry;
using BatchGen.Diffusion.Adapters;
using BatchGen.Diffusion.Families;
using BatchGen.Diffusion.Models;
using BatchGen.Diffusion.Safetensors;
using BatchGen.Diffusion.Weights;
using static TorchSharp.torch;

namespace BatchGen.ReferenceCheck;

/// <summary>Outcome of fusing one case of a reference folder's <c>lora/index.json</c>.</summary>
/// <param name="Name">Case name.</param>
/// <param name="LargestError">Largest error in float32.</param>
/// <param name="Tolerance">What the index allows.</param>
/// <param name="HalfDiffering">Share of float16 elements that are not the exact ones.</param>
/// <param name="Problem">What is wrong; null when the case passes.</param>
internal sealed record LoraOutcome(string Name, double LargestError, double Tolerance, double HalfDiffering, string? Problem);

/// <summary>Fuses the adapters of a reference folder and compares every weight given there.</summary>
/// <remarks>
/// Checked: the set of changed weights (digests file), float32 weights to the tolerance of the index, float16 weights to one unit in the
/// last place in less than 1 % of the elements, and that unloading gives the base back bit for bit.
/// </remarks>
internal static class LoraCases
{
    private const double HalfShareAllowed = 0.01;

    /// <summary>Runs every case.</summary>
    /// <param name="folder">The reference folder.</param>
    /// <param name="sets">Where model sets lie; a set not named lies in the folder itself.</param>
    /// <param name="filter">Only cases whose name contains this; null runs all.</param>
    public static IEnumerable<LoraOutcome> Run(string folder, IReadOnlyDictionary<string, string> sets, string? filter = null)
    {
        var indexPath = Path.Combine(folder, "lora", "index.json");
        if (!File.Exists(indexPath)) yield break;
        using var index = JsonDocument.Parse(File.ReadAllText(indexPath));
        var root = index.RootElement;
        var tolerance = root.GetProperty("tolerance").GetProperty("f32_max_abs").GetDouble();
        var adapters = root.GetProperty("adapters").EnumerateArray()
            .ToDictionary(item => item.GetProperty("id").GetString()!, StringComparer.Ordinal);
        foreach (var item in root.GetProperty("cases").EnumerateArray())
        {
            var name = item.GetProperty("id").GetString()!;
            if (filter is not null && !name.Contains(filter, StringComparison.Ordinal)) continue;
            var models =
                item.TryGetProperty("model_set", out var set) && sets.TryGetValue(set.GetString()!, out var elsewhere) ? elsewhere : folder;
            var model = Path.Combine(models, "models", item.GetProperty("model").GetString()!);
            LoraOutcome outcome;
            try
            {
                outcome = RunCase(folder, model, name, item, adapters, tolerance);
            }
            catch (Exception error) when (error is BatchGenException or SafetensorsException or IOException)
            {
                outcome = new LoraOutcome(name, double.NaN, tolerance, double.NaN, error.Message);
            }

            yield return outcome;
        }
    }

    private static LoraOutcome RunCase(
        string folder, string modelFolder, string name, JsonElement item, Dictionary<string, JsonElement> adapters, double tolerance)
    {
        var records = new List<AdapterRecord>();
        var uses = new List<AdapterUse>();
        var ids = item.GetProperty("adapters").EnumerateArray().Select(id => id.GetString()!).ToArray();
        var scales = item.GetProperty("scales").EnumerateArray().Select(scale => scale.GetDecimal()).ToArray();
        for (var i = 0; i < ids.Length; i++)
        {
            // Names sort as the case lists them; the sum is float32, where order matters in the last place only.
            var adapterName = string.Create(CultureInfo.InvariantCulture, $"{i:D2}-{ids[i].Replace('/', '-')}");
            records.Add(
                AdapterInspector.Inspect(Path.Combine(folder, adapters[ids[i]].GetProperty("file").GetString()!)).ToRecord(adapterName));
            uses.Add(new AdapterUse(adapterName, scales[i]));
        }

        var signature = AdapterSignature.Create("reference", uses);
        var settings = ConfigFile.Read(Path.Combine(modelFolder, "unet", "config.json"));
        var family = FamilyRenderings.All.First(candidate => candidate.Owns(settings));
        using var digests = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, item.GetProperty("digests_file").GetString()!)));
        var touched = digests.RootElement.GetProperty("digests").EnumerateObject().Select(property => property.Name.Split('|')[0])
            .ToHashSet(StringComparer.Ordinal);
        using var expected = SafetensorsFile.Open(Path.Combine(folder, item.GetProperty("file").GetString()!));
        var (largest, _, problem) = Compare(modelFolder, family, ScalarType.Float32, signature, records, touched, expected);
        var (_, share, halfProblem) = Compare(modelFolder, family, ScalarType.Float16, signature, records, touched, expected);
        problem ??= largest > tolerance ? $"float32 error {largest:e2}" : halfProblem;
        return new LoraOutcome(name, largest, tolerance, share, problem);
    }

    private static (double Largest, double Share, string? Problem) Compare(
        string modelFolder, FamilyRendering family, ScalarType type, AdapterSignature signature, List<AdapterRecord> records,
        HashSet<string> touched, SafetensorsFile expected)
    {
        using var model = BareWeights.Load(modelFolder, family, type);
        var checksum = BaseChecksum.Take(model);
        using var cache = new AdapterCache(long.MaxValue);
        using var fuser = new AdapterFuser(model, cache);
        var report = fuser.Fuse(signature, records, CancellationToken.None);
        string? problem = report.UnmatchedKeys.Count > 0
            ? $"{report.UnmatchedKeys.Count} keys match nothing, for example {report.UnmatchedKeys[0]}"
            : null;
        var fused = fuser.Fused.Select(weight => weight.Component + "." + weight.Key).ToHashSet(StringComparer.Ordinal);
        if (!fused.SetEquals(touched))
            problem ??= "changed weights differ from those expected, "
                + $"for example {fused.Except(touched).Concat(touched.Except(fused)).First()}";
        var prefix = type == ScalarType.Float16 ? "f16." : "f32.";
        var (largest, differing, elements) = (0d, 0L, 0L);
        foreach (var entry in expected.Entries.Where(
            entry => entry.Name.StartsWith(prefix, StringComparison.Ordinal) && !entry.Name.Contains('|', StringComparison.Ordinal)))
        {
            using var scope = NewDisposeScope();
            var key = entry.Name[prefix.Length..];
            var weight = model.All.FirstOrDefault(candidate => candidate.Component + "." + candidate.Key == key);
            if (weight?.ValueOrNull is not { } value)
            {
                problem ??= $"the model has no weight {key}";
                continue;
            }

            var want = expected.ReadTensor(entry);
            if (!want.shape.AsSpan().SequenceEqual(value.shape))
            {
                problem ??= $"{key} has another shape";
                continue;
            }

            largest = Math.Max(largest, (want.to(ScalarType.Float64) - value.to(ScalarType.Float64)).abs().max().item<double>());
            elements += want.numel();
            if (type == ScalarType.Float16)
            {
                var (count, furthest) = HalfDistance(want, value);
                differing += count;
                if (furthest > 1) problem ??= $"{key} is {furthest} float16 steps off";
            }
        }

        var share = elements == 0 ? 0 : (double)differing / elements;
        if (share >= HalfShareAllowed) problem ??= $"{share:P2} of the float16 elements differ";
        fuser.Unload();
        if (!checksum.Verify(CancellationToken.None).Passed) problem ??= "unloading did not give the base back";
        return (largest, share, problem);
    }

    // Neighbouring float16 numbers have neighbouring codes once negative ones are mirrored.
    private static (long Differing, int Furthest) HalfDistance(Tensor want, Tensor value)
    {
        var left = System.Runtime.InteropServices.MemoryMarshal.Cast<byte, short>(want.contiguous().bytes);
        var right = System.Runtime.InteropServices.MemoryMarshal.Cast<byte, short>(value.contiguous().bytes);
        var (differing, furthest) = (0L, 0);
        for (var i = 0; i < left.Length; i++)
        {
            if (left[i] == right[i]) continue;
            differing++;
            furthest = Math.Max(furthest, Math.Abs(Ordered(left[i]) - Ordered(right[i])));
        }

        return (differing, furthest);
    }

    private static int Ordered(short code) => code >= 0 ? code : -(code & 0x7fff);
}
