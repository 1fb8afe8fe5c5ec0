using System.Text.RegularExpressions;
using BatchGen.Testing;

namespace BatchGen.UnitTests.Documents;

/// <summary>One Markdown document of the repository, split into code spans, code blocks, links and prose.</summary>
internal sealed partial class MarkdownPage
{
    private MarkdownPage(string path)
    {
        Path = path;
        var text = File.ReadAllText(System.IO.Path.Combine(RepositoryPaths.Root, path)).ReplaceLineEndings("\n");
        var lines = text.Split('\n');
        var blocks = new List<(int Line, string Text)>();
        var fenced = false;
        for (var i = 0; i < lines.Length; i++)
        {
            var isFence = lines[i].TrimStart().StartsWith("```", StringComparison.Ordinal);
            var isIndented = !fenced && lines[i].StartsWith("    ", StringComparison.Ordinal);
            if (isFence) fenced = !fenced;
            else if (fenced || isIndented) blocks.Add((i + 1, lines[i]));
            if (isFence || fenced || isIndented) lines[i] = "";
        }

        var prose = string.Join('\n', lines);
        BlockLines = blocks;
        Spans = [.. CodeSpan().Matches(prose).Where(match => !match.Value.Contains("\n\n", StringComparison.Ordinal))
            .Select(match => (LineOf(prose, match.Index), OneLine(match.Groups[1].Value)))];
        Prose = CodeSpan().Replace(prose, match => new string('\n', match.Value.Count(letter => letter == '\n')) + " ");
        Links = [.. Link().Matches(prose).Select(match => (LineOf(prose, match.Index), match.Groups[1].Value, match.Groups[2].Value))];
        Anchors = lines.Where(line => line.StartsWith('#')).Select(AnchorOf).ToHashSet(StringComparer.Ordinal);
    }

    /// <summary>Every document people read first: README, CONTRIBUTING, CHANGELOG, docs and the README files of folders.</summary>
    public static IReadOnlyList<MarkdownPage> All { get; } =
    [
        .. RepositoryFiles.Files
            .Where(path => path.EndsWith(".md", StringComparison.Ordinal) && !path.StartsWith("tests/", StringComparison.Ordinal)
                && !path.StartsWith("models/", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal)
            .Select(path => new MarkdownPage(path)),
    ];

    /// <summary>Path from the root of the repository, with slashes.</summary>
    public string Path { get; }

    /// <summary>Text between backticks in prose, line breaks made spaces, with the line on which it begins.</summary>
    public IReadOnlyList<(int Line, string Text)> Spans { get; }

    /// <summary>Lines of fenced and indented code blocks.</summary>
    public IReadOnlyList<(int Line, string Text)> BlockLines { get; }

    /// <summary>Targets of links and images, with their label.</summary>
    public IReadOnlyList<(int Line, string Label, string Target)> Links { get; }

    /// <summary>Everything outside code blocks and code spans; line breaks are those of the file.</summary>
    public string Prose { get; }

    /// <summary>Anchors of the headings, as GitHub makes them.</summary>
    public IReadOnlySet<string> Anchors { get; }

    /// <summary>The line, counted from 1, of a place in a text.</summary>
    public static int LineOf(string text, int index) => text.AsSpan(0, index).Count('\n') + 1;

    private static string OneLine(string text) => string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));

    private static string AnchorOf(string heading) =>
        NotInAnchor().Replace(heading.TrimStart('#').Trim().ToLowerInvariant(), "").Replace(' ', '-');

    [GeneratedRegex("(?<!`)`([^`]+)`(?!`)")]
    private static partial Regex CodeSpan();

    [GeneratedRegex(@"\[([^\]]*)\]\(([^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"[^\w\- ]")]
    private static partial Regex NotInAnchor();
}
