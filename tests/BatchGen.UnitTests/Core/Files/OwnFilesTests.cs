using System.Runtime.InteropServices;
using BatchGen.Core.Files;
using BatchGen.Core.Jobs;
using BatchGen.Core.Submitting;
using BatchGen.Dashboard;
using BatchGen.Dashboard.Images;
using BatchGen.Imaging;
using BatchGen.Imaging.Files;
using BatchGen.UnitTests.Imaging;

namespace BatchGen.UnitTests.Core.Files;

/// <summary>The umask is one for the whole process, so no other test runs beside these.</summary>
[CollectionDefinition(nameof(OwnFilesTests), DisableParallelization = true)]
public sealed class UmaskGroup;

/// <summary>Who may read what the program writes is decided by a setting, and not by the umask.</summary>
[Collection(nameof(OwnFilesTests))]
public sealed class OwnFilesTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("batchgen-own-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    /// <summary>Umask, access, and the modes of files and folders in octal.</summary>
    public static TheoryData<string, FolderAccess, string, string> Modes => new()
    {
        { "022", FolderAccess.Private, "600", "700" },
        { "077", FolderAccess.Private, "600", "700" },
        { "000", FolderAccess.Private, "600", "700" },
        { "022", FolderAccess.Group, "640", "770" },
        { "077", FolderAccess.Group, "640", "770" },
        { "022", FolderAccess.Everyone, "644", "755" },
        { "077", FolderAccess.Everyone, "644", "755" },
    };

    [Theory]
    [MemberData(nameof(Modes))]
    public void Images_and_start_images_have_the_modes_of_the_setting_whatever_the_umask(
        string umask, FolderAccess access, string file, string folder)
    {
        using var given = new Umask(umask);
        var images = Path.Combine(_root, "images");
        var writer = new ImageFileWriter(images, access);
        writer.Probe();
        var written = Path.Combine(images, writer.Write(7, 1, ImageFormat.Png, [1, 2, 3]).RelativePath);
        Assert.Equal((file, folder, folder), (ModeOf(written), ModeOf(Path.GetDirectoryName(written)!), ModeOf(images)));

        var start = Path.Combine(_root, "start-images");
        var name = new StartImageFolder(start, access: access)
            .Add(ImageEncoder.Encode(SampleRecipe.Flat(24, 16, 200, 100, 50), ImageFormat.Png), "a");
        Assert.Equal((file, folder), (ModeOf(Path.Combine(start, name)), ModeOf(start)));
    }

    [Theory]
    [InlineData("022")]
    [InlineData("077")]
    public async Task Thumbnails_are_private_whatever_the_umask(string umask)
    {
        using var given = new Umask(umask);
        var image = Path.Combine(_root, "image.png");
        await File.WriteAllBytesAsync(image, [1]);
        var folders = new DashboardFolders(_root, _root, _root, _root, Path.Combine(_root, "thumbnails"), FolderAccess.Everyone);
        using var store = new ThumbnailStore(folders, (_, _) => [2], TimeProvider.System);
        var path = await store.FindAsync(5, new string('a', 64), image, TestContext.Current.CancellationToken);
        Assert.Equal(("600", "700", "700"), (ModeOf(path!), ModeOf(Path.GetDirectoryName(path)!), ModeOf(folders.Thumbnails)));
    }

    [Fact]
    public async Task A_file_that_is_written_anew_gets_the_modes_of_the_setting()
    {
        var path = Path.Combine(_root, "report.md");
        await File.WriteAllTextAsync(path, "as an older version left it");
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(path, OwnFiles.PrivateFile | UnixFileMode.OtherRead);
        await OwnFiles.WriteAsync(path, "new"u8.ToArray(), FolderAccess.Private, TestContext.Current.CancellationToken);
        Assert.Equal(("new", "600"), (await File.ReadAllTextAsync(path), ModeOf(path)));
    }

    [Fact]
    public void A_folder_that_is_there_keeps_its_modes()
    {
        if (OperatingSystem.IsWindows()) return; // Windows has no such modes.
        File.SetUnixFileMode(_root, OwnFiles.PrivateFolder | UnixFileMode.GroupExecute);
        OwnFiles.CreateFolder(_root, FolderAccess.Everyone);
        Assert.Equal("710", ModeOf(_root));
    }

    [Fact]
    public void A_new_folder_that_another_user_made_at_the_same_moment_keeps_that_users_mode()
    {
        if (OperatingSystem.IsWindows()) return; // Windows has no such modes.
        // Linux lets nobody, not even root, change this folder's mode, which is 555.
        const string Foreign = "/proc/self/task";
        OwnFiles.GiveBack(Foreign, OwnFiles.PrivateFolder);
        Assert.Equal("555", ModeOf(Foreign));
    }

    [Fact]
    public void A_new_folder_keeps_the_bits_that_its_mode_has_beyond_what_was_taken_away()
    {
        if (OperatingSystem.IsWindows()) return; // Windows has no such modes.
        File.SetUnixFileMode(_root, OwnFiles.PrivateFolder | UnixFileMode.OtherRead);
        OwnFiles.GiveBack(_root, OwnFiles.PrivateFolder);
        Assert.Equal("704", ModeOf(_root));
        OwnFiles.GiveBack(_root, OwnFiles.PrivateFolder | UnixFileMode.GroupRead);
        Assert.Equal("740", ModeOf(_root));
    }

    private static string ModeOf(string path) =>
        OperatingSystem.IsWindows() ? "" : Convert.ToString((int)File.GetUnixFileMode(path) & 0x1FF, 8);

    /// <summary>Another umask, until it is disposed.</summary>
    private sealed class Umask : IDisposable
    {
        private readonly int _before;

        public Umask(string octal) => _before = Set(Convert.ToInt32(octal, 8));

        public void Dispose() => _ = Set(_before);

        [DllImport("libc", EntryPoint = "umask")]
        private static extern int Set(int mask);
    }
}
