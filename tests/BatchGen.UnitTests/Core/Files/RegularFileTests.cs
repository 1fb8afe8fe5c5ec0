using BatchGen.Core.Files;
using BatchGen.Testing;

namespace BatchGen.UnitTests.Core.Files;

/// <summary>Only regular files are opened.</summary>
public sealed class RegularFileTests : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);
    private readonly string _folder = Directory.CreateTempSubdirectory("batchgen-regular-").FullName;

    private string FilePath => Path.Combine(_folder, "file");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    public static TheoryData<string, Action<string>> Irregular => new()
    {
        { "a named pipe", IrregularFiles.MakePipe },
        { "a device", IrregularFiles.MakeDeviceLink },
        { "a folder", IrregularFiles.MakeFolder },
        { "a named pipe", MakeLinkToPipe },
        { "a folder", MakeLinkToFolder },
    };

    [Theory]
    [MemberData(nameof(Irregular))]
    public async Task Pipes_devices_and_folders_are_refused_at_once(string kind, Action<string> make)
    {
        make(FilePath);
        var opening = Task.Run(() => Assert.Throws<IrregularFileException>(() => RegularFile.ReadAllBytes(FilePath, 100)));
        var error = await Wait.ForAsync("the file was refused", opening, Limit);
        Assert.Contains(kind, error.Message, StringComparison.Ordinal);
        opening = Task.Run(() => Assert.Throws<IrregularFileException>(() => RegularFile.OpenWithoutLinks(FilePath)));
        await Wait.ForAsync("the file was refused there too", opening, Limit);
        Assert.Equal(kind, RegularFile.KindOf(FilePath));
    }

    [Fact]
    public void A_file_and_a_link_to_it_are_read()
    {
        File.WriteAllText(FilePath, "text");
        var link = FilePath + "-link";
        File.CreateSymbolicLink(link, FilePath);
        Assert.Equal("text", RegularFile.ReadAllText(FilePath, 4));
        Assert.Equal("text", RegularFile.ReadAllText(link, 4));
        Assert.Null(RegularFile.KindOf(link));
    }

    [Fact]
    public void A_longer_file_than_wanted_is_refused_unread()
    {
        using (var file = File.Create(FilePath)) file.SetLength(1L << 40);
        Assert.Contains("no more than 100 are read", Assert.Throws<IOException>(() => RegularFile.ReadAllBytes(FilePath, 100)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_missing_is_said_to_be_missing()
    {
        Assert.Throws<FileNotFoundException>(() => RegularFile.Open(FilePath));
        Assert.Throws<DirectoryNotFoundException>(() => RegularFile.Open(Path.Combine(FilePath, "below")));
        File.CreateSymbolicLink(FilePath + "-ring", FilePath + "-ring");
        Assert.Contains("-ring", Assert.Throws<IOException>(() => RegularFile.Open(FilePath + "-ring")).Message, StringComparison.Ordinal);
        Assert.Null(RegularFile.KindOf(FilePath));
    }

    [Fact]
    public async Task A_named_pipe_that_comes_and_goes_while_it_is_looked_for_keeps_nobody_waiting()
    {
        var away = FilePath + "-away";
        IrregularFiles.MakePipe(away);
        using var stop = new CancellationTokenSource();
        var moving = Task.Run(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                File.Move(away, FilePath);
                File.Move(FilePath, away);
            }
        });
        var opening = Task.Run(() =>
        {
            for (var i = 0; i < 20_000; i++) Assert.ThrowsAny<IOException>(() => RegularFile.Open(FilePath));
        });
        try
        {
            await Wait.ForAsync("the pipe was never opened", opening, TimeSpan.FromMinutes(1));
        }
        finally
        {
            await stop.CancelAsync();
            await moving;
        }
    }

    [Fact]
    public void A_file_is_opened_without_links_where_neither_it_nor_its_folder_is_one()
    {
        File.WriteAllText(FilePath, "text");
        using (var stream = RegularFile.OpenWithoutLinks(FilePath)) Assert.Equal(4, stream.Length);
        var (file, folder) = (FilePath + "-link", _folder + "-link");
        File.CreateSymbolicLink(file, FilePath);
        Directory.CreateSymbolicLink(folder, _folder);
        try
        {
            foreach (var path in new[] { file, Path.Combine(folder, "file") })
            {
                Assert.Contains("it is a link", Assert.Throws<IrregularFileException>(() => RegularFile.OpenWithoutLinks(path)).Message,
                    StringComparison.Ordinal);
            }
        }
        finally
        {
            Directory.Delete(folder);
        }

        Assert.Throws<FileNotFoundException>(() => RegularFile.OpenWithoutLinks(FilePath + "-gone"));
        Assert.Throws<DirectoryNotFoundException>(() => RegularFile.OpenWithoutLinks(Path.Combine(_folder, "gone", "file")));
    }

    private static void MakeLinkToPipe(string path)
    {
        IrregularFiles.MakePipe(path + "-target");
        File.CreateSymbolicLink(path, path + "-target");
    }

    private static void MakeLinkToFolder(string path)
    {
        Directory.CreateDirectory(path + "-target");
        Directory.CreateSymbolicLink(path, path + "-target");
    }
}
