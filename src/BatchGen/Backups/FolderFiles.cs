using BatchGen.Composition;
using BatchGen.Core.Files;

namespace BatchGen.Backups;

/// <summary>The files of a folder that a backup saves, and what it cannot save.</summary>
/// <remarks>Links are not followed: what they lead to is not the folder's, and a restored copy could be read by others than
/// before.</remarks>
internal static class FolderFiles
{
    // Everything is looked at: what is left out is decided here, and said.
    private static readonly EnumerationOptions Everything = new() { AttributesToSkip = FileAttributes.None, IgnoreInaccessible = false };

    /// <summary>Looks through a folder and those below it; one that is not there holds nothing.</summary>
    /// <exception cref="CommandException">A folder cannot be read.</exception>
    public static IEnumerable<FolderFile> List(string folder)
    {
        foreach (var entry in Read(folder))
        {
            if (entry.LinkTarget is not null) yield return new FolderFile(entry.FullName, "a link");
            else if (entry is DirectoryInfo)
            {
                foreach (var below in List(entry.FullName)) yield return below;
            }
            else if (!TemporaryNames.IsTemporary(entry.Name))
                yield return new FolderFile(entry.FullName, RegularFile.KindOf(entry.FullName));
        }
    }

    /// <summary>Says that a backup would lack what cannot be read.</summary>
    public static CommandException NotWhole(string path, Exception error) => CommandException.Failed(
        $"'{path}' cannot be read, and no backup is written without it: {error.Message} Let this user read it, or run as another user.",
        error);

    private static FileSystemInfo[] Read(string folder)
    {
        try
        {
            return new DirectoryInfo(folder).GetFileSystemInfos("*", Everything);
        }
        catch (DirectoryNotFoundException)
        {
            // It was never made, or removed meanwhile.
            return [];
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw NotWhole(folder, error);
        }
    }
}

/// <summary>A file of a folder.</summary>
/// <param name="Path">Its path.</param>
/// <param name="Unsaved">What it is that cannot be saved, such as "a link"; null for a file that can.</param>
internal sealed record FolderFile(string Path, string? Unsaved);
