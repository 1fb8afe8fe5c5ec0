using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using BatchGen.Core.Adapters;
using BatchGen.Core.Failures;
using BatchGen.Core.Jobs;
using BatchGen.Queue.Sql;
using Npgsql;
using NpgsqlTypes;

namespace BatchGen.Queue.Jobs;

/// <summary>Puts jobs into the queue through <c>submit_jobs</c>, as every producer does.</summary>
public sealed partial class JobSubmitter(QueueDatabase database)
{
    // Jobs of one call: enough for the call to cost little, few enough for its text to be small.
    private const int ChunkSize = 20_000;

    /// <summary>Submits all jobs or none.</summary>
    /// <returns>One id per request, in order.</returns>
    /// <exception cref="SubmitRefusedException">A request breaks a rule; nothing was submitted.</exception>
    public Task<IReadOnlyList<long>> SubmitAsync(IReadOnlyList<JobRequest> requests, CancellationToken cancellationToken) =>
        SubmitAsync(requests, null, cancellationToken);

    /// <summary>Submits all jobs of a tenant or none.</summary>
    /// <param name="requests">The jobs.</param>
    /// <param name="tenant">Whose jobs; null means the default tenant.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <returns>One id per request, in order.</returns>
    /// <exception cref="SubmitRefusedException">A request breaks a rule; nothing was submitted.</exception>
    public Task<IReadOnlyList<long>> SubmitAsync(IReadOnlyList<JobRequest> requests, string? tenant, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(requests);
        for (var i = 0; i < requests.Count; i++) RefuseNul(requests[i], i);
        return SubmitJsonAsync(JobRequestJson.Write(requests), tenant, cancellationToken);
    }

    /// <summary>Submits jobs given as the JSON array that <c>submit_jobs</c> takes.</summary>
    /// <param name="jobsJson">A JSON array of job objects.</param>
    /// <param name="tenant">Whose jobs; null means the default tenant.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <returns>One id per element, in order.</returns>
    /// <exception cref="SubmitRefusedException">The text is not JSON, or a request breaks a rule; nothing was submitted.</exception>
    /// <exception cref="BlockedException">Another transaction keeps a campaign or key; nothing was submitted.</exception>
    public Task<IReadOnlyList<long>> SubmitJsonAsync(string jobsJson, string? tenant, CancellationToken cancellationToken) =>
        SubmitJsonAsync(Encoding.UTF8.GetBytes(jobsJson), tenant, cancellationToken);

    /// <summary>The same for text in UTF-8, as it came over a network.</summary>
    public async Task<IReadOnlyList<long>> SubmitJsonAsync(
        ReadOnlyMemory<byte> jobsJson, string? tenant, CancellationToken cancellationToken)
    {
        try
        {
            return await LockWait.RunAsync("the campaign or an idempotency key of these jobs", () => database.CallAsync("submit_jobs_soon",
                [QueueDatabase.Parameter("jobs", NpgsqlDbType.Jsonb, jobsJson),
                    QueueDatabase.Parameter("tenant", NpgsqlDbType.Text, tenant), LockWait.Parameter()],
                reader => QueueDatabase.ReadListAsync<long>(reader, cancellationToken), cancellationToken));
        }
        catch (Npgsql.PostgresException error) when (error.SqlState is Npgsql.PostgresErrorCodes.InvalidTextRepresentation
            or Npgsql.PostgresErrorCodes.CharacterNotInRepertoire)
        {
            // The database's own words name neither element nor field.
            throw new SubmitRefusedException(JsonFault.Describe(jobsJson.Span, error.MessageText), error);
        }
        catch (SubmitRefusedException refused)
            when (refused.InnerException is Npgsql.PostgresException { SqlState: Npgsql.PostgresErrorCodes.UntranslatableCharacter })
        {
            throw new SubmitRefusedException(JsonFault.Describe(jobsJson.Span, refused.Message), refused.InnerException);
        }
    }

    /// <summary>Submits any number of jobs, all or none, and returns their ids.</summary>
    /// <param name="requests">The jobs; read once.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <returns>One id per request, in order.</returns>
    /// <exception cref="SubmitRefusedException">A request breaks a rule, named by its place among all; nothing was submitted.</exception>
    public Task<IReadOnlyList<long>> SubmitAllAsync(IEnumerable<JobRequest> requests, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(requests);
        return database.RunAsync<IReadOnlyList<long>>(async connection =>
        {
            await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
            var ids = new List<long>();
            foreach (var chunk in requests.Chunk(ChunkSize))
            {
                for (var i = 0; i < chunk.Length; i++) RefuseNul(chunk[i], ids.Count + i);
                try
                {
                    await using var command = new NpgsqlCommand(SqlFiles.Query("submit_jobs"), connection, transaction);
                    command.Parameters.Add(QueueDatabase.Parameter("jobs", NpgsqlDbType.Jsonb, JobRequestJson.Write(chunk)));
                    command.Parameters.Add(QueueDatabase.Parameter("tenant", NpgsqlDbType.Text, null));
                    await using var reader = await command.ExecuteReaderAsync(cancellationToken);
                    ids.AddRange(await QueueDatabase.ReadListAsync<long>(reader, cancellationToken));
                }
                catch (PostgresException error) when (SqlErrors.Translate(error, database.DataSource) is SubmitRefusedException refused)
                {
                    // The database counts from the start of the chunk.
                    throw new SubmitRefusedException(Place().Replace(refused.Message,
                        match => $"jobs[{ids.Count + int.Parse(match.Groups["index"].Value, CultureInfo.InvariantCulture)}]"), error);
                }
            }

            await transaction.CommitAsync(cancellationToken);
            return ids;
        }, cancellationToken);
    }

    /// <summary>Submits any number of jobs through COPY and <c>submit_staged</c>: the fast way for thousands and more.</summary>
    /// <param name="requests">The jobs; read once.</param>
    /// <param name="tenant">Whose jobs; null means the default tenant.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <returns>How many jobs are new: those whose idempotency key is known are left out.</returns>
    /// <exception cref="SubmitRefusedException">A request breaks a rule, named by its line; nothing was submitted.</exception>
    public Task<long> SubmitManyAsync(IEnumerable<JobRequest> requests, string? tenant, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(requests);
        return database.RunAsync(connection => StagedJobs.SubmitAsync(connection, requests.Select((request, i) =>
        {
            RefuseNul(request, i);
            RefuseSpelling(request, i);
            return request;
        }), tenant, cancellationToken), cancellationToken);
    }

    [GeneratedRegex(@"^jobs\[(?<index>\d+)\]", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Place();

    // A staged row spells its adapters as one text, in which such a name would read as several adapters.
    private static void RefuseSpelling(JobRequest request, int index)
    {
        foreach (var adapter in request.Adapters ?? [])
        {
            if (!RegisteredName.IsValid(adapter.Name))
                throw new SubmitRefusedException($"jobs[{index}].adapters: there is no adapter '{adapter.Name}'. {RegisteredName.Rule}");
        }
    }

    // The database can only say that some text holds a NUL; here the element and field are still known.
    private static void RefuseNul(JobRequest request, int index)
    {
        foreach (var field in JobFields.All)
        {
            foreach (var text in TextsOf(request[field]))
            {
                var at = text.IndexOf('\0', StringComparison.Ordinal);
                if (at >= 0)
                    throw new SubmitRefusedException(
                        $"jobs[{index}].{field.Name}: character {at} is NUL, which the database cannot store; remove it.");
            }
        }
    }

    private static IEnumerable<string> TextsOf(object? value) => value switch
    {
        string text => [text],
        IEnumerable<string> words => words,
        IEnumerable<JobRequestAdapter> adapters => adapters.Select(adapter => adapter.Name),
        _ => [],
    };
}
