using System.Globalization;
using BatchGen.Core.Adapters;
using BatchGen.Core.Registry;
using BatchGen.Diffusion.Adapters;
using BatchGen.Diffusion.Models;

namespace BatchGen.ReferenceCheck;

/// <summary>Adapters fused into a model for the time of one case.</summary>
internal sealed class FusedAdapters : IDisposable
{
    private readonly AdapterCache _cache = new(long.MaxValue);
    private readonly AdapterFuser _fuser;

    public FusedAdapters(DiffusionModel model, IEnumerable<(string Path, decimal Strength)> adapters)
    {
        _fuser = new AdapterFuser(model.Weights, _cache);
        var records = new List<AdapterRecord>();
        var uses = new List<AdapterUse>();
        foreach (var (path, strength) in adapters)
        {
            // Names sort as the case lists them; the sum is float32, where order matters in the last place only.
            var name = string.Create(CultureInfo.InvariantCulture, $"{records.Count:D2}-adapter");
            records.Add(AdapterInspector.Inspect(path).ToRecord(name));
            uses.Add(new AdapterUse(name, strength));
        }

        if (uses.Count > 0) _fuser.Fuse(AdapterSignature.Create("reference", uses), records, CancellationToken.None);
    }

    public void Dispose()
    {
        _fuser.Dispose();
        _cache.Dispose();
    }
}
