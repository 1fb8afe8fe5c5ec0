using System.Text;
using System.Text.Json;
using BatchGen.Core.Jobs;
using BatchGen.Dashboard.Api;

namespace BatchGen.Dashboard.Live;

/// <summary>The changes of one second, encoded once for all viewers.</summary>
/// <param name="Page">Events for open pages.</param>
/// <param name="Counts">Event for listeners of the API; empty when no count changed.</param>
internal sealed record LiveTick(ReadOnlyMemory<byte> Page, ReadOnlyMemory<byte> Counts)
{
    /// <summary>Name of the event that says that a count changed.</summary>
    public const string CountsChanged = "changed";

    private const string CountsEvent = "counts";

    /// <summary>Encodes the changes of a second.</summary>
    public static LiveTick Of(IReadOnlyList<LiveMessage> changed, JobCounts counts)
    {
        var page = Encoding.UTF8.GetBytes(string.Concat(changed.Select(message => message.Format())));
        if (!changed.Any(message => message.Name == CountsChanged)) return new LiveTick(page, ReadOnlyMemory<byte>.Empty);
        var message = new LiveMessage(CountsEvent, JsonSerializer.Serialize(counts, ApiJson.Compact));
        return new LiveTick(page, Encoding.UTF8.GetBytes(message.Format()));
    }
}

/// <summary>A server-sent event.</summary>
/// <param name="Name">The part of the page that it replaces, <c>changed</c>, <c>counts</c> or <c>ping</c>.</param>
/// <param name="Data">HTML of the part, the counts, or nothing.</param>
internal readonly record struct LiveMessage(string Name, string Data)
{
    /// <summary>The event as the stream carries it: every line of its data has its own prefix.</summary>
    public string Format()
    {
        var text = new StringBuilder("event: ").Append(Name).Append('\n');
        foreach (var line in Data.ReplaceLineEndings("\n").Split('\n')) text.Append("data: ").Append(line).Append('\n');
        return text.Append('\n').ToString();
    }
}
