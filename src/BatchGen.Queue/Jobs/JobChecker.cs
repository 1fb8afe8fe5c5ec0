using BatchGen.Core.Jobs;
using NpgsqlTypes;
using static BatchGen.Queue.QueueDatabase;

namespace BatchGen.Queue.Jobs;

/// <summary>Checks jobs without submitting them, for previews.</summary>
public sealed class JobChecker(QueueDatabase database)
{
    /// <summary>Checks every rule that submitting checks.</summary>
    /// <exception cref="SubmitRefusedException">A request breaks a rule.</exception>
    public async Task<CheckedJobs> CheckAsync(IReadOnlyList<JobRequest> requests, CancellationToken cancellationToken) =>
        (await database.ListAsync<CheckedJobs>(
            "check_jobs", [Parameter("jobs", NpgsqlDbType.Jsonb, JobRequestJson.Write(requests))],
            cancellationToken)).Single();
}

/// <summary>Jobs that could be submitted.</summary>
/// <param name="Jobs">How many there are.</param>
/// <param name="Signatures">How many signatures they have.</param>
public sealed record CheckedJobs(long Jobs, long Signatures);
