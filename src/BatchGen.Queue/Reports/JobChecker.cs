using System.Text.Json;
using System.Text.Json.Serialization;
using BatchGen.Core.Jobs;
using NpgsqlTypes;
using static BatchGen.Queue.QueueDatabase;

namespace BatchGen.Queue.Reports;

/// <summary>Checks jobs without submitting them, for previews.</summary>
public sealed class JobChecker(QueueDatabase database)
{
    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    };

    /// <summary>The JSON array that <c>submit_jobs</c> takes.</summary>
    private static string ToJson(IReadOnlyList<JobRequest> requests) => JsonSerializer.Serialize(requests, Json);

    /// <summary>Checks every rule that submitting checks.</summary>
    /// <returns>How many jobs, and over how many signatures.</returns>
    /// <exception cref="SubmitRefusedException">A request breaks a rule.</exception>
    public Task<(long Jobs, long Signatures)> CheckAsync(IReadOnlyList<JobRequest> requests, CancellationToken cancellationToken) =>
        database.CommandAsync("check_jobs", [Parameter("jobs", NpgsqlDbType.Jsonb, ToJson(requests))], async reader =>
        {
            await reader.ReadAsync(cancellationToken);
            return (reader.GetInt64(0), reader.GetInt64(1));
        }, cancellationToken);
}
