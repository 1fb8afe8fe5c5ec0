using BatchGen.Core.Jobs;
using NpgsqlTypes;
using static BatchGen.Queue.QueueDatabase;

namespace BatchGen.Queue.Reports;

/// <summary>Checks jobs without submitting them, for previews.</summary>
public sealed class JobChecker(QueueDatabase database)
{
    /// <summary>Checks every rule that submitting checks.</summary>
    /// <returns>How many jobs, and over how many signatures.</returns>
    /// <exception cref="SubmitRefusedException">A request breaks a rule.</exception>
    public Task<(long Jobs, long Signatures)> CheckAsync(IReadOnlyList<JobRequest> requests, CancellationToken cancellationToken) =>
        database.CommandAsync("check_jobs", [Parameter("jobs", NpgsqlDbType.Jsonb, JobRequestJson.Write(requests))], async reader =>
        {
            await reader.ReadAsync(cancellationToken);
            return (reader.GetInt64(0), reader.GetInt64(1));
        }, cancellationToken);
}
