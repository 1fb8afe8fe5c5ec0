using System.Security.Cryptography;
using BatchGen.Core.Failures;
using BatchGen.Core.Files;
using BatchGen.Core.Imaging;
using BatchGen.Core.Jobs;
using BatchGen.Imaging.Files;

namespace BatchGen.UnitTests.Imaging;

public sealed class ImageFileWriterTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("batchgen-images-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    // 2026-11-30 20:00:00.123456 UTC
    private const long Epoch = 1_796_068_800_123_456;

    [Theory]
    [InlineData(0, 0, ImageFormat.Png, "000000/000000000-0000000000.png")]
    [InlineData(12_345, Epoch, ImageFormat.WebP, "000012/000012345-honim6gytc.webp")]
    [InlineData(999_999_999, 35, ImageFormat.Jpeg, "999999/999999999-000000000z.jpg")]
    [InlineData(long.MaxValue, long.MaxValue, ImageFormat.Png, "9223372036854775/9223372036854775807-1y2p0ij32e8e7.png")]
    public void The_path_names_the_job_and_the_attempt_and_can_be_read_back(long jobId, long epoch, ImageFormat format, string expected)
    {
        Assert.Equal(expected, ImagePaths.Of(jobId, epoch, format));
        Assert.Equal((jobId, epoch), ImagePaths.Read(Path.GetFileName(expected)));
        Assert.Equal((jobId, epoch), ImagePaths.Read(Path.GetFileName(expected) + TemporaryNames.UnfinishedExtension));
    }

    [Theory]
    [InlineData("000000001.png")]
    [InlineData("000000001-0000000000.gif")]
    [InlineData("000000001-0000000000.png.bak")]
    [InlineData("1-0000000000.png")]
    [InlineData("000000001-ABCDEFGHIJ.png")]
    [InlineData("9999999999999999999-0000000000.png")]
    [InlineData("000000001-zzzzzzzzzzzzz.png")]
    public void A_name_of_another_form_is_not_read_as_that_of_an_image(string name) => Assert.Null(ImagePaths.Read(name));

    [Fact]
    public void An_image_is_written_whole_and_described()
    {
        byte[] bytes = [1, 2, 3, 4, 5];
        var written = new ImageFileWriter(Path.Combine(_folder, "new", "images")).Write(12_345, Epoch, ImageFormat.Png, bytes);
        Assert.Equal(new WrittenImage("000012/000012345-honim6gytc.png", 5, Convert.ToHexStringLower(SHA256.HashData(bytes))), written);
        Assert.Equal(bytes, File.ReadAllBytes(Path.Combine(_folder, "new", "images", written.RelativePath)));
        Assert.Single(Directory.GetFiles(_folder, "*", SearchOption.AllDirectories));
    }

    [Theory]
    [InlineData("")]
    [InlineData(TemporaryNames.UnfinishedExtension)]
    public void A_file_that_has_the_name_of_an_image_already_is_never_replaced(string extension)
    {
        var path = Path.Combine(_folder, ImagePaths.Of(7, Epoch, ImageFormat.Png)) + extension;
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, "somebody's");
        var failure = Assert.Throws<OutputException>(() => new ImageFileWriter(_folder).Write(7, Epoch, ImageFormat.Png, [1, 2, 3]));
        Assert.Contains("already", failure.Message, StringComparison.Ordinal);
        Assert.Equal("somebody's", File.ReadAllText(path));
        Assert.Equal(path, Assert.Single(Directory.GetFiles(_folder, "*", SearchOption.AllDirectories)));
    }

    [Fact]
    public void A_link_in_the_place_of_an_unfinished_file_is_not_followed()
    {
        if (OperatingSystem.IsWindows()) return; // Making links needs a privilege there.
        var target = Path.Combine(_folder, "target");
        File.WriteAllText(target, "somebody's");
        var path = Path.Combine(_folder, ImagePaths.Of(7, Epoch, ImageFormat.Png)) + TemporaryNames.UnfinishedExtension;
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.CreateSymbolicLink(path, target);
        Assert.Throws<OutputException>(() => new ImageFileWriter(_folder).Write(7, Epoch, ImageFormat.Png, [1]));
        Assert.Equal("somebody's", File.ReadAllText(target));
    }

    [Fact]
    public void Of_many_that_want_the_same_name_at_once_one_gets_it_and_the_others_are_refused()
    {
        var final = Path.Combine(_folder, "final");
        for (var round = 0; round < 20; round++)
        {
            File.Delete(final);
            var temporary = Enumerable.Range(0, 4).Select(i => Path.Combine(_folder, $"{i}")).ToArray();
            foreach (var file in temporary) File.WriteAllText(file, file);
            var won = new System.Collections.Concurrent.ConcurrentBag<string>();
            Parallel.ForEach(temporary, file =>
            {
                try
                {
                    FinalName.Take(file, final);
                    won.Add(file);
                }
                catch (IOException failure)
                {
                    Assert.Contains("is there already", failure.Message, StringComparison.Ordinal);
                }
            });
            Assert.Equal(Assert.Single(won), File.ReadAllText(final));
        }
    }

    [Fact]
    public void A_file_system_without_links_gives_a_name_without_replacing_a_file_too()
    {
        var (temporary, final) = (Path.Combine(_folder, "temporary"), Path.Combine(_folder, "final"));
        File.WriteAllText(temporary, "new");
        FinalName.TakeWithoutLinks(temporary, final);
        Assert.Equal("new", File.ReadAllText(final));
        File.WriteAllText(temporary, "newer");
        Assert.Contains("is there already", Assert.Throws<IOException>(() => FinalName.TakeWithoutLinks(temporary, final)).Message,
            StringComparison.Ordinal);
        Assert.Equal("new", File.ReadAllText(final));
    }

    [Fact]
    public void A_probe_leaves_nothing_behind()
    {
        var writer = new ImageFileWriter(Path.Combine(_folder, "new"));
        writer.Probe();
        Assert.Empty(Directory.GetFiles(_folder, "*", SearchOption.AllDirectories));
    }

    [Fact]
    public void Writing_below_a_folder_that_cannot_be_made_gives_one_clear_error()
    {
        var file = Path.Combine(_folder, "file");
        File.WriteAllText(file, "");
        var failure = Assert.Throws<OutputException>(() => new ImageFileWriter(file).Write(7, Epoch, ImageFormat.Png, [1]));
        Assert.StartsWith(
            $"The image of job 7 cannot be written to '{Path.Combine(file, ImagePaths.Of(7, Epoch, ImageFormat.Png))}': ", failure.Message,
            StringComparison.Ordinal);
        Assert.NotNull(failure.InnerException);
    }

    [Fact]
    public void Writing_to_a_folder_without_write_permission_gives_one_clear_error()
    {
        if (OperatingSystem.IsWindows()) return; // Windows has other permissions.
        File.SetUnixFileMode(_folder, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        // Permissions do not bind root, but not even root makes folders in sysfs.
        var folder = Environment.IsPrivilegedProcess ? "/sys/batchgen" : _folder;
        try
        {
            var failure = Assert.Throws<OutputException>(() => new ImageFileWriter(folder).Write(7, Epoch, ImageFormat.Png, [1]));
            Assert.Contains("no write permission", failure.Message, StringComparison.Ordinal);
        }
        finally
        {
            File.SetUnixFileMode(_folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }
}
