using System.Text.RegularExpressions;
using BatchGen.Testing;

namespace BatchGen.UnitTests.Documents;

/// <summary>Links, images and decisions of the documents exist.</summary>
public partial class LinkTests
{
    private static IReadOnlyList<string> Decisions { get; } =
    [
        .. RepositoryFiles.Files.Where(path => path.StartsWith("docs/decisions/", StringComparison.Ordinal)).Order(StringComparer.Ordinal),
    ];

    [Fact]
    public void Links_and_images_lead_to_files_and_headings_that_exist()
    {
        var faults = new List<string>();
        foreach (var page in MarkdownPage.All)
        {
            foreach (var (line, _, target) in page.Links.Where(link => !link.Target.Contains("://", StringComparison.Ordinal)))
            {
                var (file, anchor) = target.Split('#') is [var left, var right] ? (left, right) : (target, "");
                var path = file.Length == 0 ? page.Path : Resolve(page.Path, file);
                if (!RepositoryFiles.Files.Contains(path) && !RepositoryFiles.Folders.Contains(path))
                    faults.Add($"{page.Path}:{line}: {target} is not there");
                else if (anchor.Length > 0
                    && MarkdownPage.All.FirstOrDefault(other => other.Path == path)?.Anchors.Contains(anchor) == false)
                    faults.Add($"{page.Path}:{line}: {path} has no heading for #{anchor}");
            }
        }

        Faults.AssertNone(faults);
    }

    [Fact]
    public void Every_image_below_docs_is_shown_by_a_document()
    {
        var shown = MarkdownPage.All.SelectMany(page => page.Links.Select(link => Resolve(page.Path, link.Target)))
            .ToHashSet(StringComparer.Ordinal);
        var images = RepositoryFiles.Files.Where(
            path => path.StartsWith("docs/", StringComparison.Ordinal) && path.EndsWith(".png", StringComparison.Ordinal));
        // A link to the folder shows all of its images.
        Faults.AssertNone([.. images.Where(path => !shown.Contains(path) && !shown.Contains(Path.GetDirectoryName(path)!))]);
    }

    [Fact]
    public void Decisions_are_numbered_without_gaps_and_titled_with_their_number()
    {
        for (var i = 0; i < Decisions.Count; i++)
        {
            Assert.Matches($@"^docs/decisions/{i + 1:0000}-[a-z0-9-]+\.md$", Decisions[i]);
            Assert.StartsWith($"# {i + 1}. ", RepositoryFiles.Read(Decisions[i]), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Decisions_state_context_choice_and_consequences() =>
        Assert.All(Decisions,
            path => Assert.Matches(@"(?s)\*\*Context\.\*\*.*\*\*Choice\.\*\*.*\*\*Consequences\.\*\*", RepositoryFiles.Read(path)));

    [Fact]
    public void Decisions_that_documents_and_sources_refer_to_by_number_exist()
    {
        var faults = new List<string>();
        var sources = RepositoryFiles.Files.Where(path => Source().IsMatch(path) && !path.StartsWith("tests/", StringComparison.Ordinal));
        foreach (var path in sources)
        {
            var text = RepositoryFiles.Read(path);
            faults.AddRange(from Match match in DecisionNumber().Matches(text)
                            let number = int.Parse(match.Groups[1].Value, null)
                            where number < 1 || number > Decisions.Count
                            select $"{path}:{MarkdownPage.LineOf(text, match.Index)}: there is no {match.Value}");
            faults.AddRange(from Match match in DecisionFile().Matches(text)
                            where !Decisions.Any(decision => decision.EndsWith($"/{match.Groups[1].Value}.md", StringComparison.Ordinal))
                            select $"{path}:{MarkdownPage.LineOf(text, match.Index)}: there is no {match.Value}");
        }

        foreach (var page in MarkdownPage.All)
        {
            faults.AddRange(from link in page.Links
                            let number = DecisionNumber().Match(link.Label)
                            where number.Success
                                && !link.Target.Contains($"{int.Parse(number.Groups[1].Value, null):0000}-", StringComparison.Ordinal)
                            select $"{page.Path}:{link.Line}: '{link.Label}' leads to {link.Target}");
        }

        Faults.AssertNone(faults);
    }

    private static string Resolve(string page, string target)
    {
        var folder = Path.Combine(RepositoryPaths.Root, Path.GetDirectoryName(page)!);
        return Path.GetRelativePath(RepositoryPaths.Root, Path.GetFullPath(Path.Combine(folder, target.Split('#')[0]))).Replace('\\', '/');
    }

    [GeneratedRegex(@"\.(md|cs|razor|sql|sh|targets|props)$")]
    private static partial Regex Source();

    [GeneratedRegex(@"\b[Dd]ecision (\d+)\b")]
    private static partial Regex DecisionNumber();

    [GeneratedRegex(@"decisions/(\d[\w-]*)")]
    private static partial Regex DecisionFile();
}
