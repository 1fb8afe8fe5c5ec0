using BatchGen.Core.Failures;
using Xunit;

namespace BatchGen.UnitTests.Core.Failures;

public sealed class FailureTextTests
{
    [Theory]
    [InlineData("'/srv/art/ink v2.safetensors': it ends early.", "'ink v2.safetensors': it ends early.")]
    [InlineData("Adapter 'ink' ('/srv/my art/ink.safetensors') fits nothing.", "Adapter 'ink' ('ink.safetensors') fits nothing.")]
    [InlineData("Could not find file \"C:\\art\\ink.safetensors\".", "Could not find file \"ink.safetensors\".")]
    [InlineData("'\\\\server\\art\\ink.safetensors' is gone", "'ink.safetensors' is gone")]
    [InlineData("'/srv/model/unet/config.json' lacks \"width\", '/srv/model/vae/config.json' too",
        "'config.json' lacks \"width\", 'config.json' too")]
    [InlineData("open of /srv/art/ink.safetensors failed", "open of ink.safetensors failed")]
    [InlineData("'/ink.safetensors' (/tmp/a/b)", "'ink.safetensors' (b)")]
    [InlineData("Start image 'cats/1.png' and/or https://example.org/a/b/c.png, 3/4 at 1 / 2",
        "Start image 'cats/1.png' and/or https://example.org/a/b/c.png, 3/4 at 1 / 2")]
    [InlineData("can't read '/srv/a.png'", "can't read 'a.png'")]
    [InlineData("", "")]
    public void Files_are_named_without_their_folders(string message, string expected) =>
        Assert.Equal(expected, FailureText.WithoutFolders(message));
}
