using System.Text.Json;
using System.Text.RegularExpressions;
using BatchGen.Testing;

namespace BatchGen.EndToEndTests.Monitoring;

/// <summary>The dashboard for Grafana and the alert rules for Prometheus that come with the program.</summary>
internal static partial class MonitoringFiles
{
    // Ends of the names that a histogram is told under.
    private static readonly string[] HistogramParts = ["_bucket", "_sum", "_count"];

    public static string Folder => Path.Combine(RepositoryPaths.Root, "docker", "monitoring");

    public static string Rules => Path.Combine(Folder, "alerts.yaml");

    public static string RuleTests => Path.Combine(Folder, "alerts_test.yaml");

    /// <summary>Every expression of every panel.</summary>
    public static IReadOnlyList<string> PanelExpressions()
    {
        using var file = JsonDocument.Parse(File.ReadAllText(Path.Combine(Folder, "grafana.json")));
        return
        [
            .. from panel in file.RootElement.GetProperty("panels").EnumerateArray()
               from target in panel.GetProperty("targets").EnumerateArray()
               select target.GetProperty("expr").GetString()!,
        ];
    }

    /// <summary>Names of the program's metrics in a text.</summary>
    public static IReadOnlySet<string> MetricsIn(IEnumerable<string> texts) =>
        texts.SelectMany(text => Name().Matches(text)).Select(match => match.Value).ToHashSet(StringComparer.Ordinal);

    /// <summary>Names that a scrape holds.</summary>
    public static IReadOnlySet<string> Scraped(string scrape) => scrape.Split('\n')
        .Where(line => line.StartsWith("batchgen_", StringComparison.Ordinal))
        .Select(line => line[..line.IndexOfAny(['{', ' '])])
        .ToHashSet(StringComparer.Ordinal);

    /// <summary>Families of metrics that a scrape holds: a histogram is one.</summary>
    public static IReadOnlySet<string> Families(IEnumerable<string> names) => names
        .Select(name => Array.Find(HistogramParts, part => name.EndsWith(part, StringComparison.Ordinal)) is { } part
            ? name[..^part.Length] : name)
        .ToHashSet(StringComparer.Ordinal);

    [GeneratedRegex("batchgen_[a-z_]+", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Name();
}
