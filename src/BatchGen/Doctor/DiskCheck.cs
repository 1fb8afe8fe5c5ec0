using System.Runtime.CompilerServices;
using BatchGen.Composition;
using BatchGen.Core.Texts;

namespace BatchGen.Doctor;

/// <summary>Whether the disks of the data folder and the image folder have room.</summary>
internal sealed class DiskCheck() : DoctorCheck("disk", needsDatabase: false)
{
    // Below this part of what the setting names a night hardly ends.
    private const int WrongBelowPart = 10;

    /// <inheritdoc/>
    public override async IAsyncEnumerable<Finding> RunAsync(
        CheckContext context, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.CompletedTask;
        var wanted = context.Settings.Options.Worker.LeastFreeBytes;
        string[] folders = [context.Settings.DataFolder, WorkerHost.ImageFolder(context.Settings)];
        foreach (var folder in folders.Distinct(StringComparer.Ordinal))
        {
            // A folder that is made later lies on the disk of the nearest one that is there.
            var existing = folder;
            while (!Directory.Exists(existing) && Path.GetDirectoryName(existing) is { } parent) existing = parent;
            var free = new DriveInfo(existing).AvailableFreeSpace;
            var what = $"{Quantities.Size(free)} are free";
            const string Remedy = "Free space, or lower BatchGen:Worker:LeastFreeBytes.";
            yield return free < wanted / WrongBelowPart
                ? Wrong($"{what}, less than a tenth of the {Quantities.Size(wanted)} wanted.", folder, Remedy)
                : free < wanted ? Warning($"{what}, less than the {Quantities.Size(wanted)} wanted.", folder, Remedy)
                : Ok(what + ".", folder);
        }
    }
}
