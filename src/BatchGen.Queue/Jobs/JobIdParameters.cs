using BatchGen.Core.Jobs;
using Npgsql;
using NpgsqlTypes;
using static BatchGen.Queue.QueueDatabase;

namespace BatchGen.Queue.Jobs;

/// <summary>Parameters of the queries that list ids of jobs, newest first; a query ignores those it does not name.</summary>
internal static class JobIdParameters
{
    /// <summary>Makes the parameters; null means no condition.</summary>
    /// <param name="filter">State, campaign, signature, and where the page starts: below the id
    /// <see cref="JobFilter.BeforeJobId"/>.</param>
    /// <param name="text">Text that the prompt must hold, in any case of letters.</param>
    /// <param name="tag">Tag that the job must have.</param>
    /// <param name="tenant">Tenant that the job must belong to.</param>
    public static IReadOnlyList<NpgsqlParameter> Of(JobFilter filter, string? text = null, string? tag = null, string? tenant = null) =>
    [
        Parameter("before", NpgsqlDbType.Bigint, filter.BeforeJobId ?? long.MaxValue),
        Parameter("limit", NpgsqlDbType.Integer, filter.Limit),
        Parameter("state", NpgsqlDbType.Text, filter.State?.ToCode()),
        Parameter("campaign", NpgsqlDbType.Text, filter.Campaign),
        Parameter("signature", NpgsqlDbType.Text, filter.Signature),
        Parameter("text", NpgsqlDbType.Text, text is null ? null : "%" + EscapePattern(text) + "%"),
        Parameter("tag", NpgsqlDbType.Text, tag),
        Parameter("tenant", NpgsqlDbType.Text, tenant),
    ];

    // The text is compared with LIKE, to which these three characters have a meaning.
    private static string EscapePattern(string text) => text.Replace("\\", "\\\\").Replace("%", "\\%").Replace("_", "\\_");
}
