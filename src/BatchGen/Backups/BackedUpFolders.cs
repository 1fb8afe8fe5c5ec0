using BatchGen.Composition;
using BatchGen.Core.Files;

namespace BatchGen.Backups;

/// <summary>The folders whose files are state, and their names in a backup, and who may read them once they are restored.</summary>
internal static class BackedUpFolders
{
    /// <summary>Name of the image folder in a backup.</summary>
    public const string Images = "images";

    /// <summary>All of them, images last.</summary>
    public static IReadOnlyList<(string Name, string Path, FolderAccess Access)> Of(Settings settings) =>
    [
        ("keys", Path.Combine(settings.DataFolder, "keys"), FolderAccess.Private),
        ("reports", Path.GetFullPath(settings.Options.Dashboard.ReportFolder, settings.DataFolder), FolderAccess.Private),
        ("start-images", WorkerHost.StartImageFolder(settings), settings.Options.Worker.ImageFolderAccess),
        (Images, WorkerHost.ImageFolder(settings), settings.Options.Worker.ImageFolderAccess),
    ];
}
