using BatchGen.Core.Files;
using BatchGen.Core.Imaging;
using BatchGen.Core.Jobs;

namespace BatchGen.UnitTests.Core.Files;

/// <summary>Names of unfinished files and probes are told from names that only look like them.</summary>
public sealed class TemporaryNamesTests
{
    private const string Random = "0123456789abcdef0123456789abcdef";

    [Fact]
    public void Names_that_the_program_gives_to_unfinished_files_and_probes_are_temporary()
    {
        var image = Path.GetFileName(ImagePaths.Of(7, 1_796_068_800_123_456, ImageFormat.WebP));
        foreach (var name in (string[])
        [
            TemporaryNames.NewProbe(), ".probe-4711", image + TemporaryNames.UnfinishedExtension, TemporaryNames.NewUnfinished(image),
            TemporaryNames.NewUnfinished("my.party.png"), $"{Random}{Random}.png.{Random}.part",
        ])
            Assert.True(TemporaryNames.IsTemporary(name), name);
    }

    [Theory]
    [InlineData("my.party.png")]
    [InlineData("cat.part")]
    [InlineData("cat.png.part")]
    [InlineData(".part")]
    [InlineData("cat.part-1.png")]
    [InlineData("cat.part-" + Random + ".png")]
    [InlineData(".part-" + Random)]
    [InlineData(".probe-")]
    [InlineData(".probe-notes")]
    [InlineData(".probe-12345678901")]
    [InlineData(".probe-" + Random + "\n")]
    [InlineData("x.probe-4711")]
    [InlineData("cat.png." + Random + ".part")]
    public void Names_that_only_look_like_them_are_somebodys(string name) => Assert.False(TemporaryNames.IsTemporary(name));
}
