using BatchGen.Core.Imaging;
using BatchGen.Core.Jobs;
using BatchGen.Core.Submitting;
using BatchGen.Imaging;
using BatchGen.Testing;
using BatchGen.UnitTests.Imaging;

namespace BatchGen.UnitTests.Core.Submitting;

public sealed class StartImageFolderTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("batchgen-start-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Theory]
    [InlineData(ImageFormat.Png, ".png")]
    [InlineData(ImageFormat.Jpeg, ".jpg")]
    [InlineData(ImageFormat.WebP, ".webp")]
    public void An_image_is_kept_once_under_its_digest(ImageFormat format, string extension)
    {
        var file = ImageEncoder.Encode(SampleRecipe.Flat(24, 16, 200, 100, 50), format);
        var folder = new StartImageFolder(Path.Combine(_root, "new"));
        var name = folder.Add(file, "my cat.bmp");
        Assert.Equal(Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(file)) + extension, name);
        Assert.Equal(name, folder.Add(file, "again"));
        Assert.Equal(name, Path.GetFileName(Assert.Single(Directory.GetFiles(Path.Combine(_root, "new")))));
        Assert.True(folder.Has(name));
        Assert.Equal(file, folder.Read(name));
        Assert.Equal(new ImageHeader(format, 24, 16), ImageHeader.Read(file));
    }

    [Fact]
    public void A_file_cut_short_by_a_crash_is_written_again()
    {
        var file = ImageEncoder.Encode(SampleRecipe.Flat(24, 16, 200, 100, 50), ImageFormat.Png);
        var folder = new StartImageFolder(_root);
        var path = Path.Combine(_root, folder.Add(file, "a"));
        File.WriteAllBytes(path, file[..20]);
        folder.Add(file, "a");
        Assert.Equal(file, File.ReadAllBytes(path));
    }

    [Theory]
    [InlineData("a.png", true)]
    [InlineData("cats/big one.png", true)]
    [InlineData("..a/b..png", true)]
    [InlineData("", false)]
    [InlineData("/etc/passwd", false)]
    [InlineData("../a.png", false)]
    [InlineData("a/../b.png", false)]
    [InlineData("a/..", false)]
    [InlineData("./a.png", false)]
    [InlineData("a//b.png", false)]
    [InlineData("a/", false)]
    [InlineData("a\\b.png", false)]
    [InlineData("C:a.png", false)]
    [InlineData("a\n.png", false)]
    [InlineData(" a.png", false)]
    public void A_name_of_a_start_image_is_valid_only_below_the_folder(string name, bool valid)
    {
        Assert.Equal(valid, StartImageFolder.IsName(name));
        if (!valid)
            Assert.Contains(
                "is not the name of an image below", Refusal(() => new StartImageFolder(_root).Read(name)), StringComparison.Ordinal);
    }

    [Fact]
    public void A_name_with_a_part_of_more_than_255_bytes_is_refused_whatever_its_letters()
    {
        Assert.True(StartImageFolder.IsName(new string('é', 127)));
        Assert.False(StartImageFolder.IsName(new string('é', 128)));
        // Letters are counted as the database counts them, not in halves.
        var long63 = string.Concat(Enumerable.Repeat("😀", 63));
        Assert.True(StartImageFolder.IsName($"{long63}/{long63}"));
    }

    [Fact]
    public void A_folder_or_a_circle_of_links_in_the_place_of_an_image_is_named_with_what_to_do()
    {
        Directory.CreateDirectory(Path.Combine(_root, "folder.png"));
        File.CreateSymbolicLink(Path.Combine(_root, "one.png"), Path.Combine(_root, "two.png"));
        File.CreateSymbolicLink(Path.Combine(_root, "two.png"), Path.Combine(_root, "one.png"));
        foreach (var name in (string[])["folder.png", "one.png"])
            Assert.EndsWith("Put an image file in its place, then retry the job.", Refusal(() => new StartImageFolder(_root).Read(name)),
                StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_no_job_can_start_from_is_refused_with_the_reason_and_a_remedy()
    {
        var folder = new StartImageFolder(_root);
        Assert.Equal($"Start image 'cats/1.png' is not in '{_root}' on this machine. Put it there, then retry the job.",
            Refusal(() => folder.Read("cats/1.png")));
        File.WriteAllText(Path.Combine(_root, "a.png"), "no image");
        Assert.Equal(
            "Start image 'a.png' is not a PNG, WebP or JPEG image; convert it to one of them.", Refusal(() => folder.Read("a.png")));
        Assert.Contains("is damaged", Refusal(() => folder.Add([0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10, 0], "b")),
            StringComparison.Ordinal);
        var huge = ImageEncoder.Encode(SampleRecipe.Flat(8, 8, 1, 2, 3), ImageFormat.Png);
        (huge[16], huge[20]) = (0x10, 0x10); // Says 268 million pixels a side, as a decompression bomb does.
        Assert.Contains("Resize it.", Refusal(() => folder.Add(huge, "bomb")), StringComparison.Ordinal);
        Assert.Contains(
            "more than 32 MB", Refusal(() => folder.Add(new byte[StartImageFolder.MaxFileBytes + 1], "long")), StringComparison.Ordinal);
        Assert.Equal("a.png", Path.GetFileName(Assert.Single(Directory.GetFiles(_root))));
    }

    [Theory]
    [InlineData(ImageFormat.Png)]
    [InlineData(ImageFormat.Jpeg)]
    [InlineData(ImageFormat.WebP)]
    public void An_image_that_cannot_be_decoded_is_refused_when_it_is_added_and_when_a_job_names_it(ImageFormat format)
    {
        var folder = new StartImageFolder(_root, file => ImageEncoder.Decode(file));
        var cut = ImageEncoder.Encode(SampleRecipe.NoisePixels(64, 64), format);
        // Behind the header of the image, wherever each format has it, so that the size can still be read.
        cut = cut[..(format == ImageFormat.Jpeg ? cut.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, 0xDA]) : 40)];
        Assert.NotNull(ImageHeader.Read(cut));
        Assert.Contains("'cut' cannot be decoded", Refusal(() => folder.Add(cut, "cut")), StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(_root));
        File.WriteAllBytes(Path.Combine(_root, "cut"), cut);
        Assert.Contains("'cut' cannot be decoded", Refusal(() => folder.CheckKept("cut")), StringComparison.Ordinal);
    }

    [Fact]
    public void An_animated_image_is_refused()
    {
        var folder = new StartImageFolder(_root);
        foreach (var animated in AnimatedImages.All())
            Assert.Contains("is animated. Save one frame", Refusal(() => folder.Add(animated, "moving")), StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(_root));
    }

    [Fact]
    public void An_image_that_changes_between_acceptance_and_writing_is_refused()
    {
        var folder = new StartImageFolder(_root);
        var file = ImageEncoder.Encode(SampleRecipe.Flat(24, 16, 200, 100, 50), ImageFormat.Png);
        var accepted = folder.Accept(file, "a");
        file[^1] ^= 1;
        Assert.Contains("changed while it was being submitted", Refusal(() => folder.Write(accepted, file, "a")), StringComparison.Ordinal);
    }

    [Fact]
    public void An_image_that_cannot_be_read_now_may_be_tried_again()
    {
        Directory.CreateDirectory(Path.Combine(_root, "a.png"));
        var failure = Assert.Throws<StartImageException>(() => new StartImageFolder(_root).Read("a.png"));
        Assert.True(failure.MayPass);
        Assert.Contains("cannot be read", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_named_pipe_is_refused_and_not_waited_for()
    {
        IrregularFiles.MakePipe(Path.Combine(_root, "a.png"));
        var folder = new StartImageFolder(_root);
        var reading = Task.Run(() => Refusal(() => folder.Read("a.png")));
        Assert.Contains("it is a named pipe", await Wait.ForAsync("the pipe was refused", reading, TimeSpan.FromSeconds(10)),
            StringComparison.Ordinal);
        reading = Task.Run(() => Refusal(() => folder.CheckKept("a.png")));
        Assert.Contains("it is a named pipe", await Wait.ForAsync("the pipe was refused", reading, TimeSpan.FromSeconds(10)),
            StringComparison.Ordinal);
    }

    private static string Refusal(Action action) => Assert.Throws<StartImageException>(action).Message;
}
