using System.Text.RegularExpressions;

namespace BatchGen.UnitTests.Documents;

/// <summary>Documents and comments use the words of the glossary in docs/architecture.md.</summary>
public partial class GlossaryTests
{
    // Documents that quote the old words: names at each version, and why they were changed.
    private static readonly string[] Quoting =
        ["CHANGELOG.md", "docs/adapter-formats.md", "docs/decisions/0016-one-word-for-one-thing.md"];

    // Each word with the one to use; only words that no sentence here needs in another meaning.
    private static readonly (Regex Word, string Instead)[] Replaced =
    [
        (Picture(), "image"), (Lane(), "dispatch group"), (Shelf(), "indexed_state"), (GivenBack(), "requeue"), (Decoy(), "the plain word"),
    ];

    [Fact]
    public void The_glossary_has_one_line_for_each_word()
    {
        var text = RepositoryFiles.Read("docs/architecture.md");
        var words = GlossaryLine().Matches(text[text.IndexOf("## Glossary", StringComparison.Ordinal)..])
            .Select(match => match.Groups[1].Value.Trim())
            .Where(word => word is not "word" and not "---").ToList();
        Assert.True(words.Count > 50, $"the glossary has {words.Count} words");
        Assert.Equal(words.Distinct(StringComparer.Ordinal), words);
    }

    [Fact]
    public void Documents_use_the_words_of_the_glossary() =>
        Faults.AssertNone([.. from page in MarkdownPage.All
                              where !Quoting.Contains(page.Path)
                              from fault in FaultsOf(page.Prose)
                              select $"{page.Path}:{fault}"]);

    [Fact]
    public void Comments_in_csharp_use_the_words_of_the_glossary() =>
        Faults.AssertNone([.. from comment in RepositoryNames.Comments
                              from fault in FaultsOf(comment.Text, comment.Line)
                              select $"{comment.Path}:{fault}"]);

    [Fact]
    public void Texts_and_pages_of_the_program_use_the_words_of_the_glossary() =>
        Faults.AssertNone([.. from source in RepositoryNames.CSharp
                              where source.Key.StartsWith("src/", StringComparison.Ordinal)
                              from text in source.Value.Strings
                              from fault in FaultsOf(text.Text, text.Line)
                              select $"{source.Key}:{fault}",
                           .. from page in RepositoryNames.Razor
                              from fault in FaultsOf(page.Value)
                              select $"{page.Key}:{fault}"]);

    [Fact]
    public void Comments_in_sql_use_the_words_of_the_glossary() =>
        Faults.AssertNone([.. from source in RepositoryNames.Sql
                              from comment in source.Value.Comments
                              from fault in FaultsOf(comment.Text, comment.Line)
                              select $"{source.Key}:{fault}",
                           .. from comment in RepositoryNames.SchemaComments
                              from fault in FaultsOf(comment.Text, comment.Line)
                              select $"{comment.Path}:{fault}"]);

    private static IEnumerable<string> FaultsOf(string text, int firstLine = 1) =>
        from word in Replaced
        from Match match in word.Word.Matches(text)
        select $"{firstLine - 1 + MarkdownPage.LineOf(text, match.Index)}: '{match.Value}', use {word.Instead}";

    [GeneratedRegex(@"(?m)^\| ([^|]+) \|")]
    private static partial Regex GlossaryLine();

    [GeneratedRegex(@"(?i)\bpictures?\b")]
    private static partial Regex Picture();

    [GeneratedRegex(@"(?i)\blanes?\b")]
    private static partial Regex Lane();

    [GeneratedRegex(@"(?i)\b(?:shelf|shelves)\b")]
    private static partial Regex Shelf();

    [GeneratedRegex(@"(?i)\b(?:gives?|given|giving|gave|hands?|handed) back\b")]
    private static partial Regex GivenBack();

    [GeneratedRegex(@"(?i)\b(?:decoys?|vouch(?:es|ed)?|patience)\b")]
    private static partial Regex Decoy();
}
