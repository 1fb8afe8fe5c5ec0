using System.Runtime.Versioning;

namespace BatchGen.Core.Files;

/// <summary>Makes the files and folders of this program; here, and not by the umask, it is decided who may read them.</summary>
public static class OwnFiles
{
    /// <summary>Mode of a file that only its owner may open.</summary>
    public const UnixFileMode PrivateFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Mode of a folder that only its owner may enter.</summary>
    public const UnixFileMode PrivateFolder = PrivateFile | UnixFileMode.UserExecute;

    /// <summary>Makes a folder, and those above it that are missing; one that is there stays as it is.</summary>
    public static DirectoryInfo CreateFolder(string path, FolderAccess access)
    {
        var full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        if (OperatingSystem.IsWindows() || Directory.Exists(full)) return Directory.CreateDirectory(full);
        if (Path.GetDirectoryName(full) is { } parent) CreateFolder(parent, access);
        var made = Directory.CreateDirectory(full, ModeOfFolder(access));
        if (access != FolderAccess.Private) GiveBack(full, ModeOfFolder(access));
        return made;
    }

    /// <summary>Gives a new folder what the umask took away of its mode. What the folder above has handed down, its group, stays.</summary>
    [UnsupportedOSPlatform("windows")]
    internal static void GiveBack(string folder, UnixFileMode mode)
    {
        var now = File.GetUnixFileMode(folder);
        if ((now & mode) == mode) return;
        try
        {
            File.SetUnixFileMode(folder, mode | (now & UnixFileMode.SetGroup));
        }
        catch (UnauthorizedAccessException)
        {
            // Another user made it at the same moment, and its mode is that user's to give: only the owner may.
            return;
        }
    }

    /// <summary>Makes a new file.</summary>
    /// <exception cref="IOException">There is a file of this name, or it cannot be made.</exception>
    public static FileStream Create(string path, FolderAccess access) => Open(path, FileMode.CreateNew, access);

    /// <summary>Writes a file; one that is there is replaced.</summary>
    public static async Task WriteAsync(
        string path, ReadOnlyMemory<byte> bytes, FolderAccess access, CancellationToken cancellationToken)
    {
        await using var file = Open(path, FileMode.Create, access);
        await file.WriteAsync(bytes, cancellationToken);
    }

    /// <summary>Lets those read a file who may, after it was made for its owner alone.</summary>
    public static void SetAccess(string path, FolderAccess access)
    {
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(path, ModeOfFile(access));
    }

    private static FileStream Open(string path, FileMode mode, FolderAccess access)
    {
        var options = new FileStreamOptions { Mode = mode, Access = FileAccess.Write, Share = FileShare.None, BufferSize = 0 };
        if (OperatingSystem.IsWindows()) return new FileStream(path, options);
        options.UnixCreateMode = PrivateFile;
        var file = new FileStream(path, options);
        try
        {
            File.SetUnixFileMode(file.SafeFileHandle, ModeOfFile(access));
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private static UnixFileMode ModeOfFile(FolderAccess access) => access switch
    {
        FolderAccess.Private => PrivateFile,
        FolderAccess.Group => PrivateFile | UnixFileMode.GroupRead,
        FolderAccess.Everyone => PrivateFile | UnixFileMode.GroupRead | UnixFileMode.OtherRead,
        _ => throw new ArgumentOutOfRangeException(nameof(access), access, "unknown access"),
    };

    // Several users of a group may write images into one folder.
    private static UnixFileMode ModeOfFolder(FolderAccess access)
    {
        const UnixFileMode Group = UnixFileMode.GroupRead | UnixFileMode.GroupExecute;
        return access switch
        {
            FolderAccess.Private => PrivateFolder,
            FolderAccess.Group => PrivateFolder | Group | UnixFileMode.GroupWrite,
            FolderAccess.Everyone => PrivateFolder | Group | UnixFileMode.OtherRead | UnixFileMode.OtherExecute,
            _ => throw new ArgumentOutOfRangeException(nameof(access), access, "unknown access"),
        };
    }
}
