using BatchGen.Core.Submitting;

namespace BatchGen.UnitTests.Core.Submitting;

public class PromptTemplateTests
{
    [Theory]
    [InlineData("plain, text", "plain, text")]
    [InlineData("", "")]
    [InlineData("a {red|blue} {circle|star}", "a red circle/a red star/a blue circle/a blue star")]
    [InlineData("{a|b {c|d}}!", "a!/b c!/b d!")]
    [InlineData("{big |}house", "big house/house")]
    [InlineData("\\{a|b\\}", "{a|b}")]
    [InlineData("a|b", "a|b")]
    public void Alternatives_are_expanded(string template, string expected) => Assert.Equal(expected.Split('/'), PromptTemplate.Expand(template, 100));

    [Theory]
    [InlineData("a {b|c", "opens a '{' at letter 3")]
    [InlineData("a b}", "has a '}' at letter 4")]
    [InlineData("{a|b}{a|b}{a|b}", "stands for 8 prompts; at most 5 are taken")]
    public void Broken_templates_are_one_clear_error(string template, string expected) =>
        Assert.Contains(expected, Assert.Throws<FormatException>(() => PromptTemplate.Expand(template, 5)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_template_for_billions_of_prompts_is_refused_at_once()
    {
        var template = string.Concat(Enumerable.Repeat("{0|1|2|3|4|5|6|7|8|9}", 300));
        Assert.Contains("far more prompts", Assert.Throws<FormatException>(() => PromptTemplate.Expand(template, 100_000)).Message, StringComparison.Ordinal);
        Assert.Throws<FormatException>(() => PromptTemplate.Expand(new string('{', 5000), 10));
    }

    [Fact]
    public void Seeds_are_lists_and_ranges()
    {
        Assert.Equal([7L], SeedList.Parse("7", 10));
        Assert.Equal([1L, 5, 9, 10, 11, -3], SeedList.Parse(" 1, 5 9-11;-3", 10));
        Assert.Equal([-3L, -2], SeedList.Parse("-3--2", 10));
        Assert.Empty(SeedList.Parse("", 10));
        Assert.Contains("more than 10 seeds", Assert.Throws<FormatException>(() => SeedList.Parse("-9223372036854775808-9223372036854775807", 10)).Message, StringComparison.Ordinal);
        Assert.Contains("not a seed", Assert.Throws<FormatException>(() => SeedList.Parse("x", 10)).Message, StringComparison.Ordinal);
        Assert.Contains("counts down", Assert.Throws<FormatException>(() => SeedList.Parse("9-1", 10)).Message, StringComparison.Ordinal);
    }
}
