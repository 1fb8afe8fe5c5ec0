using BatchGen.Core.Files;
using BatchGen.Core.Monitoring;

namespace BatchGen.Chaos.Killing;

/// <summary>A point of a worker's work at which it is killed.</summary>
/// <param name="Name">What reports call it.</param>
/// <param name="Order">What <c>BATCHGEN_CHAOS_KILL</c> holds: a span, a statement or the extension of a file.</param>
public sealed record KillingPoint(string Name, string Order)
{
    /// <summary>The points between a claim and the end of its batch, in order.</summary>
    /// <param name="imageFolder">Folder in which files appear.</param>
    public static IReadOnlyList<KillingPoint> List(string imageFolder) =>
    [
        Begin(SpanNames.Claim), Statement("claim_batch"), End(SpanNames.Claim), Begin(SpanNames.Batch),
        Begin(SpanNames.Load), End(SpanNames.Load), Begin(SpanNames.Fuse), End(SpanNames.Fuse),
        Begin(SpanNames.Steps), End(SpanNames.Steps), Begin(SpanNames.Decode), End(SpanNames.Decode),
        Begin(SpanNames.Save), new("an unfinished file is made", $"file {TemporaryNames.UnfinishedExtension} {imageFolder}"),
        new("a file has its name", $"file .png {imageFolder}"), Statement("complete_jobs"), End(SpanNames.Save),
        Begin(SpanNames.Unload), End(SpanNames.Unload), Begin(SpanNames.Verify), End(SpanNames.Verify),
        Statement("record_checkpoint"), Statement("end_batch"), End(SpanNames.Batch),
    ];

    private static KillingPoint Begin(string span) => new($"{span} begins", $"span begin {span}");

    private static KillingPoint End(string span) => new($"{span} ends", $"span end {span}");

    private static KillingPoint Statement(string function) => new($"{function} is answered", $"statement end {function}");
}
