using BatchGen.Composition;

namespace BatchGen.Backups;

/// <summary>The folders whose files are state, and their names in a backup.</summary>
internal static class BackedUpFolders
{
    /// <summary>Name of the image folder in a backup.</summary>
    public const string Images = "images";

    /// <summary>All of them, images last.</summary>
    public static IReadOnlyList<(string Name, string Path)> Of(Settings settings) =>
    [
        ("keys", Path.Combine(settings.DataFolder, "keys")),
        ("reports", Path.GetFullPath(settings.Options.Dashboard.ReportFolder, settings.DataFolder)),
        ("start-images", WorkerHost.StartImageFolder(settings)),
        (Images, WorkerHost.ImageFolder(settings)),
    ];
}
