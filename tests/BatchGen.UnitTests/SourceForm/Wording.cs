using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace BatchGen.UnitTests.SourceForm;

/// <summary>Reads XML summaries and names of tests, and says which of them say too little.</summary>
internal static partial class Wording
{
    private const int FewestWords = 3;

    private static readonly string[] Pronouns = ["It", "So", "What", "That", "This", "They", "Those", "One", "Such"];

    /// <summary>Summaries of fewer than three words. A tag such as <c>see</c> counts as the word that it shows; a pronoun that
    /// opens the summary does not count.</summary>
    public static IEnumerable<string> ShortSummaries(SourceFile file)
    {
        foreach (var summary in file.Tree.DescendantNodes(descendIntoTrivia: true).OfType<XmlElementSyntax>())
        {
            if (summary.StartTag.Name.LocalName.Text != "summary") continue;
            var text = TextOf(summary);
            var words = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            var opening = words is [var first, ..] && Pronouns.Contains(first.TrimEnd(','), StringComparer.Ordinal) ? 1 : 0;
            if (words.Length - opening < FewestWords)
                yield return $"{file.Path}:{file.LineOf(summary.SpanStart)} \"{text}\"";
        }
    }

    /// <summary>Tests whose names open with a pronoun, so that only the body says what is tested.</summary>
    public static IEnumerable<string> TestsNamedByPronoun(SourceFile file)
    {
        foreach (var method in file.Tree.DescendantNodes().OfType<MethodDeclarationSyntax>())
        {
            if (!method.AttributeLists.SelectMany(list => list.Attributes).Any(IsTest)) continue;
            if (Pronouns.Contains(method.Identifier.Text.Split('_')[0], StringComparer.Ordinal))
                yield return $"{file.Path}:{file.LineOf(method.Identifier.SpanStart)} {method.Identifier.Text}";
        }
    }

    private static bool IsTest(AttributeSyntax attribute) => attribute.Name.ToString() is var name
        && (name.EndsWith("Fact", StringComparison.Ordinal) || name.EndsWith("Theory", StringComparison.Ordinal));

    private static string TextOf(XmlElementSyntax summary)
    {
        var text = LineStart().Replace(summary.Content.ToString(), " ");
        text = NamedTag().Replace(text, match => match.Groups["name"].Value);
        return Blanks().Replace(Tag().Replace(text, " "), " ").Trim();
    }

    [GeneratedRegex(@"\n\s*///")]
    private static partial Regex LineStart();

    [GeneratedRegex("""<\w+ (?:cref|name|langword)="(?<name>[^"]*)"\s*/>""")]
    private static partial Regex NamedTag();

    [GeneratedRegex("<[^>]*>")]
    private static partial Regex Tag();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Blanks();
}
