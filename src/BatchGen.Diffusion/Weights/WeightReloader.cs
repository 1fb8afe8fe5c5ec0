using System.Diagnostics;
using BatchGen.Core.Failures;
using BatchGen.Core.Registry;
using BatchGen.Core.Rendering;
using BatchGen.Diffusion.Safetensors;

namespace BatchGen.Diffusion.Weights;

/// <summary>Puts fresh copies from the master files in place of damaged base tensors.</summary>
internal static class WeightReloader
{
    /// <summary>Reads the named tensors again, after checking that their master files are still what was registered.</summary>
    /// <param name="model">The model on the device.</param>
    /// <param name="record">Its registry entry, with the SHA-256 of each master file.</param>
    /// <param name="names">Tensors as <c>component/key</c>; none means every one.</param>
    /// <param name="cancellationToken">Checked between files and tensors.</param>
    /// <exception cref="ModelException">A master file is missing or changed; nothing was replaced.</exception>
    public static ReloadReport Reload(
        ModelWeights model, ModelRecord record, IReadOnlyList<string> names, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        var byName = model.All.ToDictionary(weight => weight.Name, StringComparer.Ordinal);
        if (names.Count == 0) names = [.. byName.Values.Where(weight => weight.Origin is not null).Select(weight => weight.Name)];
        var weights = names.Distinct(StringComparer.Ordinal)
            .Select(name => byName.GetValueOrDefault(name) is { Origin: not null } weight ? weight
                : throw new ModelException($"Model '{record.Name}' has no tensor '{name}' that could be read from its files again."))
                    .ToArray();
        foreach (var path in weights.Select(weight => weight.Origin!.RelativePath).Distinct(StringComparer.Ordinal))
        {
            cancellationToken.ThrowIfCancellationRequested();
            CheckMaster(record, path);
        }

        long bytes = 0;
        foreach (var weight in weights)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var fresh = weight.Origin!.Read();
            bytes += fresh.numel() * fresh.element_size();
            weight.ReplaceBase(fresh);
        }

        return new ReloadReport(weights.Length, bytes, Stopwatch.GetElapsedTime(started).TotalMilliseconds);
    }

    private static void CheckMaster(ModelRecord record, string relativePath)
    {
        var path = relativePath.Length == 0 ? record.Path : Path.Combine(record.Path, relativePath);
        var known = record.Files.FirstOrDefault(file => file.RelativePath == relativePath)
            ?? throw new ModelException(
                $"Model '{record.Name}' was registered without the file '{path}'. Register it again with 'batchgen models add --replace'.");
        try
        {
            var sha256 = SafetensorsFile.HashFile(path);
            if (sha256 != known.Sha256)
            {
                throw new ModelException(
                    $"Master file '{path}' of model '{record.Name}' changed since it was registered: its SHA-256 is {sha256}, "
                        + $"the registry says {known.Sha256}. "
                    + "It is not trusted for a reload. Put the registered file back, or register the model "
                    + "again with 'batchgen models add --replace'.");
            }
        }
        catch (SafetensorsException error)
        {
            throw new ModelException($"Master file {error.Message}", error);
        }
    }
}
