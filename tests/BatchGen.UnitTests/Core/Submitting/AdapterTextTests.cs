using BatchGen.Core.Adapters;
using BatchGen.Core.Jobs;
using BatchGen.Core.Submitting;

namespace BatchGen.UnitTests.Core.Submitting;

public class AdapterTextTests
{
    [Fact]
    public void Strengths_of_components_and_blocks_are_read()
    {
        var adapters = AdapterText.Parse("ink@0.8:0.5[1,0,0.25] + wash");
        Assert.Equal(("ink", 0.8m, 0.5m), (adapters[0].Name, adapters[0].Strength!.Value, adapters[0].TextEncoderStrength!.Value));
        Assert.Equal([1m, 0m, 0.25m], adapters[0].BlockStrengths!);
        Assert.Equal(new JobRequestAdapter("wash"), adapters[1]);
    }

    [Theory]
    [InlineData("0.8")]
    [InlineData("0.8:0.5")]
    [InlineData("-1.25[1,0,0.25]")]
    [InlineData("0.8:0[0,0,1]")]
    public void Strengths_are_written_as_they_are_read(string text)
    {
        var read = AdapterText.Parse("big ink@" + text)[0];
        Assert.Equal(
            text, AdapterText.StrengthsOf(new AdapterUse(read.Name, read.Strength!.Value, read.TextEncoderStrength, read.BlockStrengths)));
    }
}
