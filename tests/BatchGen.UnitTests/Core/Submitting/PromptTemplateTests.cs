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
    public void Alternatives_in_braces_are_expanded_into_one_prompt_each(string template, string expected) =>
        Assert.Equal(expected.Split('/'), PromptTemplate.Parse(template).Prompts());

    [Theory]
    [InlineData("a {b|c", "opens a '{' at letter 3")]
    [InlineData("a b}", "has a '}' at letter 4")]
    public void A_template_with_unbalanced_braces_is_refused_with_the_place(string template, string expected) =>
        Assert.Contains(expected, Assert.Throws<FormatException>(() => PromptTemplate.Parse(template)).Message, StringComparison.Ordinal);

    [Fact]
    public void Prompts_are_counted_without_being_made()
    {
        Assert.Equal(10_000_000, PromptTemplate.Parse(Digits(7)).Count);
        Assert.Equal(PromptTemplate.Many, PromptTemplate.Parse(Digits(300)).Count);
        Assert.Equal("0000001", PromptTemplate.Parse(Digits(7)).Prompts().ElementAt(1));
    }

    [Fact]
    public void A_long_or_deep_template_needs_no_deep_stack()
    {
        Assert.Equal(new string('a', 6000), Assert.Single(PromptTemplate.Parse(string.Concat(Enumerable.Repeat("{a}", 6000))).Prompts()));
        Assert.Throws<FormatException>(() => PromptTemplate.Parse(new string('{', 5000)));
    }

    [Theory]
    [InlineData("a {b|c} \\{d")]
    [InlineData("\\|\\\\{}}{ \\")]
    [InlineData("(a:1.2), \\(b\\)")]
    public void An_escaped_text_stands_for_itself(string text) =>
        Assert.Equal([text], PromptTemplate.Parse(PromptTemplate.Escape(text)).Prompts());

    [Fact]
    public void Seeds_are_read_from_lists_and_ranges()
    {
        Assert.Equal([7L], SeedList.Parse("7"));
        Assert.Equal([1L, 5, 9, 10, 11, -3], SeedList.Parse(" 1, 5 9-11;-3"));
        Assert.Equal([-3L, -2], SeedList.Parse("-3--2"));
        Assert.Empty(SeedList.Parse(""));
        Assert.Equal([long.MaxValue - 1, long.MaxValue], SeedList.Parse("9223372036854775806-9223372036854775807"));
        Assert.Equal(PromptTemplate.Many, SeedList.Parse("-9223372036854775808-9223372036854775807").Count);
        Assert.Contains("not a seed", Assert.Throws<FormatException>(() => SeedList.Parse("x")).Message, StringComparison.Ordinal);
        Assert.Contains("counts down", Assert.Throws<FormatException>(() => SeedList.Parse("9-1")).Message, StringComparison.Ordinal);
    }

    private static string Digits(int count) => string.Concat(Enumerable.Repeat("{0|1|2|3|4|5|6|7|8|9}", count));
}
