using System.Globalization;
using BatchGen.Core.Jobs;
using BatchGen.Dashboard.Requests;

namespace BatchGen.Dashboard.Pages.Jobs;

/// <summary>A page of the list of jobs, and how the list was filtered.</summary>
public sealed record JobsModel
{
    /// <summary>The jobs, newest first.</summary>
    public required IReadOnlyList<JobDetails> Jobs { get; init; }

    /// <summary>Code of the state asked for; null or empty does not restrict, as with the filters that follow.</summary>
    public string? State { get; init; }

    /// <summary>Campaign asked for.</summary>
    public string? Campaign { get; init; }

    /// <summary>Signature asked for.</summary>
    public string? Signature { get; init; }

    /// <summary>Text in the prompt asked for.</summary>
    public string? Text { get; init; }

    /// <summary>Tag asked for.</summary>
    public string? Tag { get; init; }

    /// <summary>The id below which the next page of the list begins; null at its end.</summary>
    public long? NextBefore { get; init; }

    /// <summary>A sentence about the change that led to this page, or null.</summary>
    public string? Note { get; init; }

    /// <summary>Address of this list from below a job's id; null begins with the newest job.</summary>
    public string Address(long? before) => Page.Address(
        "/jobs",
        new("state", State),
        new("campaign", Campaign),
        new("signature", Signature),
        new("text", Text),
        new("tag", Tag),
        new("before", before?.ToString(CultureInfo.InvariantCulture)));

    /// <summary>A page with the filters that were asked for.</summary>
    internal static JobsModel Of(JobListRequest request, IReadOnlyList<JobDetails> jobs, long? nextBefore, string? note) => new()
    {
        Jobs = jobs,
        State = request.State,
        Campaign = request.Campaign,
        Signature = request.Signature,
        Text = request.Text,
        Tag = request.Tag,
        NextBefore = nextBefore,
        Note = note,
    };
}
