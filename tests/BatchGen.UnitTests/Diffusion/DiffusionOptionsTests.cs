using System.Globalization;
using BatchGen.Composition;
using BatchGen.Diffusion.Adapters;
using BatchGen.Diffusion.Rendering;
using Microsoft.Extensions.Configuration;

namespace BatchGen.UnitTests.Diffusion;

public sealed class DiffusionOptionsTests
{
    [Theory]
    [InlineData("auto", FuseMode.Auto)]
    [InlineData("overlay", FuseMode.Overlay)]
    [InlineData("in-place", FuseMode.InPlace)]
    [InlineData("in-place-master", FuseMode.InPlaceMaster)]
    public void Every_documented_fuse_mode_is_read_from_settings(string text, FuseMode expected)
    {
        Assert.Equal(expected, Read("FuseMode", text).FuseMode);
        Assert.Equal(text, expected.ToCode());
    }

    [Fact]
    public void Every_fuse_mode_has_a_name_that_reads_back_as_itself() =>
        Assert.All(Enum.GetValues<FuseMode>(), mode => Assert.Equal(mode, FuseModes.Parse(mode.ToCode())));

    [Fact]
    public void An_unknown_fuse_mode_is_refused_with_the_names_that_are_known()
    {
        var error = Assert.Throws<CommandException>(() => Read("FuseMode", "inplace"));
        Assert.Contains("BatchGen:Diffusion:FuseMode: 'inplace' is not one of auto, overlay, in-place, in-place-master.", error.Message,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Device", "auto")]
    [InlineData("Device", "cpu")]
    [InlineData("Device", "cuda")]
    [InlineData("Device", "cuda:0")]
    [InlineData("Device", "cuda:12")]
    [InlineData("ComputeType", "auto")]
    [InlineData("ComputeType", "float32")]
    [InlineData("ComputeType", "bfloat16")]
    [InlineData("ComputeType", "float16")]
    public void Every_documented_value_of_a_text_setting_is_accepted(string key, string value)
    {
        var options = Read(key, value);
        Assert.Equal(value, Convert.ToString(typeof(DiffusionOptions).GetProperty(key)!.GetValue(options), CultureInfo.InvariantCulture));
    }

    private static DiffusionOptions Read(string key, string value)
    {
        var settings = new ConfigurationBuilder()
            .AddInMemoryCollection(new Dictionary<string, string?>(StringComparer.Ordinal) { [$"BatchGen:Diffusion:{key}"] = value })
            .Build();
        var options = new DiffusionOptions();
        OptionsReader.Read(settings.GetSection("BatchGen:Diffusion"), options);
        return options;
    }
}
