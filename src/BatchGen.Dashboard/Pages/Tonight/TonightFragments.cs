namespace BatchGen.Dashboard.Pages.Tonight;

/// <summary>The parts of the page that are replaced while it is open.</summary>
internal static class TonightFragments
{
    /// <summary>Name of each part, and the component that draws it.</summary>
    public static IReadOnlyList<(string Name, Type Component)> All { get; } =
    [
        ("summary", typeof(TonightSummary)), ("workers", typeof(TonightWorkers)), ("newest", typeof(TonightNewest)), ("checkpoints", typeof(TonightCheckpoints)),
    ];
}
