using BatchGen.Core.Texts;

namespace BatchGen.UnitTests.Core.Texts;

public class ShortTextTests
{
    [Fact]
    public void A_message_keeps_its_words_and_loses_the_rest_of_a_long_value()
    {
        var message = ShortText.Of($"jobs[3].sampler: '{new string('x', 5_000)}' is no sampler; use 'euler'.");
        Assert.Equal($"jobs[3].sampler: '{new string('x', 120)}… (5,000 letters)' is no sampler; use 'euler'.", message);
    }

    [Theory]
    [InlineData("There is no job 7.")]
    [InlineData("It isn't 'a' but 'b'.")]
    [InlineData("")]
    public void A_short_message_stays_as_it_is(string message) => Assert.Equal(message, ShortText.Of(message));

    [Theory]
    [InlineData(5_000, "")]
    [InlineData(100_000, "a'b\"")]
    public void A_message_of_any_text_has_at_most_1000_letters_and_keeps_its_end(int length, string between)
    {
        var value = string.Concat(Enumerable.Repeat("😀" + between, length));
        var message = ShortText.Of(value + " Do this.");
        Assert.InRange(message.Length, 100, 1_000);
        Assert.EndsWith(" Do this.", message, StringComparison.Ordinal);
        Assert.DoesNotContain('\uFFFD', System.Text.Encoding.UTF8.GetString(System.Text.Encoding.UTF8.GetBytes(message)));
    }
}
