using System.Diagnostics.Metrics;
using BatchGen.Core.Monitoring;
using BatchGen.Core.Rendering;
using BatchGen.Diffusion.Rendering;

namespace BatchGen.Worker.Monitoring;

/// <summary>What is read from a worker when somebody asks: its cache of adapters, its disk, the memory of its device.</summary>
internal sealed class WorkerGauges : IDisposable
{
    private readonly Meter _meter = Telemetry.Readings();

    /// <summary>Adds the instruments; they last as long as this object.</summary>
    /// <param name="device">Name of the device.</param>
    /// <param name="cache">Reads the use of the cache; from any thread.</param>
    /// <param name="imageFolder">Where images are written.</param>
    public WorkerGauges(string device, Func<AdapterCacheUse> cache, string imageFolder)
    {
        _meter.CreateObservableCounter(
            "batchgen.adapter_cache.requests",
            () => cache() is var use
                ? [Of(use.Hits, "result", "hit"), Of(use.Misses, "result", "miss")] : Array.Empty<Measurement<long>>(),
            "{request}",
            "Adapters asked of the host cache, by result");
        _meter.CreateObservableGauge("batchgen.adapter_cache.size", () => cache().SizeBytes, "By", "Bytes in the host cache of adapters");
        _meter.CreateObservableGauge(
            "batchgen.device.memory",
            () => DeviceMemory.Read(device) is { } memory
                ? [Of(memory.UsedBytes, "kind", "used"), Of(memory.SizeBytes, "kind", "size")] : Array.Empty<Measurement<long>>(),
            "By",
            "Memory of the device: used, and its size");
        DiskGauges.Add(_meter, [("images", imageFolder)]);
    }

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();

    private static Measurement<long> Of(long value, string tag, string text) => new(value, new KeyValuePair<string, object?>(tag, text));
}
