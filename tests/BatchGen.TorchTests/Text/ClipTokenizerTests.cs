using BatchGen.Diffusion.Text;
using BatchGen.Testing;

namespace BatchGen.TorchTests.Text;

public sealed class ClipTokenizerTests
{
    private static readonly ClipTokenizer Tokenizer = ClipTokenizer.Load(Path.Combine(RepositoryPaths.Reference, "tokenizer"));

    [Fact]
    public void Padding_cuts_long_texts_and_keeps_the_end()
    {
        var ids = Tokenizer.EncodePadded(string.Join(' ', Enumerable.Repeat("cat", 500)));

        Assert.Equal(77, ids.Length);
        Assert.Equal(Tokenizer.StartId, ids[0]);
        Assert.Equal(Tokenizer.EndId, ids[^1]);
    }

    [Theory]
    [InlineData("e\u0301", "é")]
    [InlineData("q\u0307\u0323", "q\u0323\u0307")]
    [InlineData("\u1100\u1161\u11a8", "각")]
    [InlineData("\u212b", "Å")]
    [InlineData("\u0915\u093c", "\u0958")]
    public void Composed_and_decomposed_spellings_are_one_text(string one, string other)
    {
        Assert.Equal(UnicodeNormalization.Compose(one), UnicodeNormalization.Compose(other));
        Assert.Equal(Tokenizer.Encode(one), Tokenizer.Encode(other));
    }

    [Theory]
    [InlineData("\ud800 lone surrogate")]
    [InlineData("<|endoftext|")]
    [InlineData("<|<|startoftext|>|>")]
    [InlineData("&#x110000; &#0; &bogus;")]
    [InlineData("\u001b[31mred\u001b[0m")]
    public void Texts_of_odd_characters_are_encoded_without_an_error(string text)
    {
        Assert.All(Tokenizer.Encode(text), id => Assert.InRange(id, 0, Tokenizer.VocabularySize - 1));
    }

    [Fact]
    public void A_long_word_takes_no_more_than_a_moment()
    {
        var ids = Tokenizer.Encode(new string('a', 20_000));

        Assert.NotEmpty(ids);
    }
}
