using System.Security.Cryptography;
using BatchGen.Core.Failures;
using BatchGen.Core.Jobs;
using BatchGen.Imaging.Files;

namespace BatchGen.UnitTests.Imaging;

public sealed class ImageFileWriterTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("batchgen-images-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(0, ImageFormat.Png, "000000/000000000.png")]
    [InlineData(12_345, ImageFormat.WebP, "000012/000012345.webp")]
    [InlineData(999_999_999, ImageFormat.Jpeg, "999999/999999999.jpg")]
    [InlineData(long.MaxValue, ImageFormat.Png, "9223372036854775/9223372036854775807.png")]
    public void The_path_follows_from_the_job_id(long jobId, ImageFormat format, string expected) =>
        Assert.Equal(expected, ImagePaths.Of(jobId, format));

    [Fact]
    public void An_image_is_written_whole_and_described()
    {
        byte[] bytes = [1, 2, 3, 4, 5];
        var written = new ImageFileWriter(Path.Combine(_folder, "new", "images")).Write(12_345, ImageFormat.Png, bytes);
        Assert.Equal(new WrittenImage("000012/000012345.png", 5, Convert.ToHexStringLower(SHA256.HashData(bytes))), written);
        Assert.Equal(bytes, File.ReadAllBytes(Path.Combine(_folder, "new", "images", written.RelativePath)));
        Assert.Single(Directory.GetFiles(_folder, "*", SearchOption.AllDirectories));
    }

    [Fact]
    public void Writing_again_replaces_the_image()
    {
        var writer = new ImageFileWriter(_folder);
        writer.Write(1, ImageFormat.Png, [1, 2, 3]);
        var second = writer.Write(1, ImageFormat.Png, [9]);
        Assert.Equal([9], File.ReadAllBytes(Path.Combine(_folder, second.RelativePath)));
    }

    [Fact]
    public void Writing_below_a_folder_that_cannot_be_made_gives_one_clear_error()
    {
        var file = Path.Combine(_folder, "file");
        File.WriteAllText(file, "");
        var failure = Assert.Throws<OutputException>(() => new ImageFileWriter(file).Write(7, ImageFormat.Png, [1]));
        Assert.StartsWith($"The image of job 7 cannot be written to '{Path.Combine(file, "000000", "000000007.png")}': ", failure.Message,
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
            var failure = Assert.Throws<OutputException>(() => new ImageFileWriter(folder).Write(7, ImageFormat.Png, [1]));
            Assert.Contains("no write permission", failure.Message, StringComparison.Ordinal);
        }
        finally
        {
            File.SetUnixFileMode(_folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }
}
