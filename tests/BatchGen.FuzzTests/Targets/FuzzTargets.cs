using BatchGen.FuzzTests.Guided;

namespace BatchGen.FuzzTests.Targets;

/// <summary>Every reader of input that comes from outside.</summary>
/// <remarks>Notifications are not among them: nothing reads their payload.</remarks>
internal static class FuzzTargets
{
    private static readonly IReadOnlyList<FuzzTarget> All =
    [
        .. ModelFileTargets.All, .. PromptTargets.All, .. JobTargets.All, .. ImageTargets.All,
    ];

    /// <summary>The values of each target, in the order of its constructor.</summary>
    public static IEnumerable<object[]> Parts() => All.Select(target => (object[])
        [target.Name, target.Run, target.IsRefusal, target.Seeds, target.Words, target.MaxMessage, target.MaxBytes]);
}
