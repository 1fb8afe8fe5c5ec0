using BatchGen.Core.Adapters;
using Xunit;

namespace BatchGen.UnitTests.Core;

public sealed class AdapterSignatureTests
{
    [Fact]
    public void Adapters_are_sorted_by_ordinal_name()
    {
        var signature = AdapterSignature.Create("m", [new("b", 1m), new("B", 1m), new("a-1", 1m), new("a", 1m)]);
        Assert.Equal("m|B@1+a@1+a-1@1+b@1", signature.ToString());
    }

    [Theory]
    [InlineData("0.80", "m|a@0.8")]
    [InlineData("1.00000", "m|a@1")]
    [InlineData("-0.5", "m|a@-0.5")]
    [InlineData("0.00004", "m|a@0")]
    [InlineData("0.00005", "m|a@0.0001")]
    public void Equal_strengths_are_spelled_alike_in_a_signature(string strength, string expected) =>
        Assert.Equal(expected, AdapterSignature.Create("m", [new("a", decimal.Parse(strength))]).ToString());

    [Fact]
    public void A_text_encoder_strength_is_written_only_when_it_differs()
    {
        Assert.Equal("m|a@0.8", AdapterSignature.Create("m", [new("a", 0.8m, 0.80m)]).ToString());
        Assert.Equal("m|a@0.8:0.5", AdapterSignature.Create("m", [new("a", 0.8m, 0.5m)]).ToString());
    }

    [Fact]
    public void Block_strengths_that_are_all_one_are_left_out()
    {
        Assert.Equal("m|a@1", AdapterSignature.Create("m", [new("a", 1m, null, [1m, 1.0m])]).ToString());
        Assert.Equal("m|a@1[1,0]", AdapterSignature.Create("m", [new("a", 1m, null, [1m, 0m])]).ToString());
    }

    [Theory]
    [InlineData("m|")]
    [InlineData("sd 1.5|a@0.8+b@0.5:0.25+c@1[1,0,0.5]")]
    public void A_signature_reads_back_from_its_own_text(string text) => Assert.Equal(text, AdapterSignature.Parse(text).ToString());

    [Theory]
    [InlineData("m", "no '|'")]
    [InlineData("|a@1", "model name")]
    [InlineData("m|a", "no '@'")]
    [InlineData("m|a@x", "not a number")]
    [InlineData("m|a@1:2:3", "more than two")]
    [InlineData("m|a@1+a@2", "named twice")]
    [InlineData("m|a@1[1,2", "closing")]
    public void A_text_that_is_not_a_signature_is_refused_with_the_reason(string text, string part) =>
        Assert.Contains(part, Assert.Throws<FormatException>(() => AdapterSignature.Parse(text)).Message, StringComparison.Ordinal);

    [Fact]
    public void Signatures_with_equal_text_are_equal()
    {
        var left = AdapterSignature.Create("m", [new("b", 0.50m), new("a", 1m)]);
        var right = AdapterSignature.Parse("m|a@1+b@0.5");
        Assert.Equal(left, right);
        Assert.Equal(left.GetHashCode(), right.GetHashCode());
    }
}
