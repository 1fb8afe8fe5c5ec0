using System.Runtime.InteropServices;
using BatchGen.Backups;
using BatchGen.Composition;
using Xunit;

namespace BatchGen.EndToEndTests.Commands;

/// <summary>What of a folder a backup saves.</summary>
public sealed partial class FolderFilesTests : IDisposable
{
    // A user without rights: permissions do not bind root.
    private const int Nobody = 65534;

    private readonly string _folder = Directory.CreateTempSubdirectory("batchgen-backup-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_folder_that_cannot_be_read_is_an_error_and_not_left_out()
    {
        if (!OperatingSystem.IsLinux())
        {
            Assert.Skip("Only Linux gives a thread the rights of another user.");
            return;
        }

        var closed = Path.Combine(_folder, "closed");
        Directory.CreateDirectory(closed);
        File.WriteAllText(Path.Combine(closed, "cat.png"), "cat");
        // What the thread needs of this program is loaded before: the other user may not be able to read it.
        Assert.Single(FolderFiles.List(_folder));
        const UnixFileMode All = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
            | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;
        File.SetUnixFileMode(_folder, All);
        File.SetUnixFileMode(closed, UnixFileMode.None);
        Exception? error = null;
        var thread = new Thread(() =>
        {
            _ = SetFileSystemUser(Nobody);
            error = Record.Exception(() => FolderFiles.List(_folder).ToList());
        });
        thread.Start();
        thread.Join();
        File.SetUnixFileMode(closed, All);

        Assert.Contains($"'{closed}' cannot be read", Assert.IsType<CommandException>(error).Message, StringComparison.Ordinal);
        Assert.Single(FolderFiles.List(_folder));
    }

    [Fact]
    public void A_folder_that_is_not_there_holds_nothing() => Assert.Empty(FolderFiles.List(Path.Combine(_folder, "missing")));

    // Of the calling thread alone.
    [LibraryImport("libc", EntryPoint = "setfsuid")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int SetFileSystemUser(int user);
}
