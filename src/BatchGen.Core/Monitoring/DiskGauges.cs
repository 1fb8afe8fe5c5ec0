using System.Diagnostics.Metrics;

namespace BatchGen.Core.Monitoring;

/// <summary>The instruments of disks, the same for workers and dashboard.</summary>
public static class DiskGauges
{
    /// <summary>Adds free bytes and size of the disks of folders.</summary>
    /// <param name="meter">Where they are added.</param>
    /// <param name="folders">Label and absolute path of each.</param>
    public static void Add(Meter meter, IReadOnlyList<(string Label, string Folder)> folders)
    {
        ArgumentNullException.ThrowIfNull(meter);
        meter.CreateObservableGauge("batchgen.disk.free", () => Read(folders, space => space.FreeBytes), "By", "Bytes left on disks");
        meter.CreateObservableGauge("batchgen.disk.size", () => Read(folders, space => space.SizeBytes), "By", "Bytes of disks");
    }

    private static IEnumerable<Measurement<long>> Read(
        IReadOnlyList<(string Label, string Folder)> folders, Func<DiskSpace, long> choose) =>
        from folder in folders
        let space = DiskSpace.Of(folder.Folder)
        where space is not null
        select new Measurement<long>(choose(space.Value), new KeyValuePair<string, object?>("folder", folder.Label));
}
