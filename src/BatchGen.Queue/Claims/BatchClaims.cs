using System.Collections.Concurrent;
using System.Text.Json;
using BatchGen.Core.Adapters;
using BatchGen.Core.Failures;
using BatchGen.Core.Jobs;
using Npgsql;
using NpgsqlTypes;
using static BatchGen.Queue.QueueDatabase;

namespace BatchGen.Queue.Claims;

/// <summary>Claims batches and writes down what became of them; every write is guarded by batch, epoch and state.</summary>
/// <remarks>Thread safe. Keeps what each worker's last claim remembered (<c>claim_batch</c>), so use one instance
/// for a worker's life.</remarks>
public sealed class BatchClaims(QueueDatabase database)
{
    // A worker that ended a batch claims again at once; for this long its small signature is not given to another.
    private static readonly TimeSpan SignatureHold = TimeSpan.FromSeconds(1);

    private const string Unfinished = "The worker requeued the job unfinished.";

    private readonly ConcurrentDictionary<Guid, string> _memories = new();

    /// <summary>Takes up to <see cref="ClaimRequest.MaxJobs"/> waiting jobs of one signature, in the order of
    /// dispatch of docs/queue.md.</summary>
    /// <returns>The leased batch, or null when nothing waits that this worker may take.</returns>
    public async Task<ClaimedBatch?> ClaimAsync(ClaimRequest request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentOutOfRangeException.ThrowIfLessThan(request.MaxJobs, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(request.MaxJobs, short.MaxValue);
        _memories.TryGetValue(request.WorkerId, out var memory);
        return await database.CallAsync("claim_batch",
        [
            Parameter("worker_id", NpgsqlDbType.Uuid, request.WorkerId),
            Parameter(
                "models", NpgsqlDbType.Array | NpgsqlDbType.Text, request.Models?.Select(model => model.ToLowerInvariant()).ToArray()),
            Parameter("max_jobs", NpgsqlDbType.Integer, request.MaxJobs),
            Parameter("lease", NpgsqlDbType.Interval, database.Options.LeaseDuration),
            Parameter("max_wait", NpgsqlDbType.Interval, database.Options.MaxWait),
            Parameter("max_batches", NpgsqlDbType.Integer, database.Options.MaxBatchesPerSignature),
            Parameter("memory", NpgsqlDbType.Jsonb, memory),
            Parameter("max_pixels", NpgsqlDbType.Bigint, request.MaxPixels),
        ], reader => ReadBatchAsync(reader, request.WorkerId, cancellationToken), cancellationToken);
    }

    /// <summary>Extends the lease and reports progress.</summary>
    /// <returns>Ids of jobs of the batch that were cancelled meanwhile.</returns>
    /// <exception cref="LeaseLostException">The lease is someone else's now.</exception>
    public async Task<IReadOnlyList<long>> HeartbeatAsync(ClaimedBatch batch, BatchProgress progress, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(batch);
        ArgumentNullException.ThrowIfNull(progress);
        return await database.CallAsync("heartbeat_batch",
        [
            .. Token(batch),
            Parameter("lease", NpgsqlDbType.Interval, database.Options.LeaseDuration),
            Parameter("finished", NpgsqlDbType.Integer, progress.Finished),
            Parameter("step", NpgsqlDbType.Integer, progress.Step),
            Parameter("steps", NpgsqlDbType.Integer, progress.Steps),
        ], reader => ReadListAsync<long>(reader, cancellationToken), cancellationToken);
    }

    /// <summary>Records finished jobs and their images, not verified yet.</summary>
    /// <exception cref="LeaseLostException">The lease is someone else's now; nothing was recorded.</exception>
    public Task CompleteAsync(ClaimedBatch batch, IReadOnlyList<CompletedJob> jobs, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(batch);
        ArgumentNullException.ThrowIfNull(jobs);
        if (jobs.Count == 0) return Task.CompletedTask;
        return ScalarAsync("complete_jobs",
        [
            .. Token(batch),
            Parameter("job_ids", NpgsqlDbType.Array | NpgsqlDbType.Bigint, jobs.Select(job => job.JobId).ToArray()),
            Parameter("paths", NpgsqlDbType.Array | NpgsqlDbType.Text, jobs.Select(job => job.RelativePath).ToArray()),
            Parameter("sizes", NpgsqlDbType.Array | NpgsqlDbType.Bigint, jobs.Select(job => job.SizeBytes).ToArray()),
            Parameter("sha256s", NpgsqlDbType.Array | NpgsqlDbType.Text, jobs.Select(job => job.Sha256).ToArray()),
            Parameter("widths", NpgsqlDbType.Array | NpgsqlDbType.Integer, jobs.Select(job => job.WidthPixels).ToArray()),
            Parameter("heights", NpgsqlDbType.Array | NpgsqlDbType.Integer, jobs.Select(job => job.HeightPixels).ToArray()),
            Parameter("seeds", NpgsqlDbType.Array | NpgsqlDbType.Bigint, jobs.Select(job => job.Seed).ToArray()),
            Parameter("recipes", NpgsqlDbType.Array | NpgsqlDbType.Text, jobs.Select(job => job.RecipeJson).ToArray()),
        ], cancellationToken);
    }

    /// <summary>Records failed attempts: retried later with back-off, or failed for good.</summary>
    /// <returns>How many of the jobs have failed for good.</returns>
    /// <exception cref="LeaseLostException">The lease is someone else's now; nothing was recorded.</exception>
    public async Task<int> FailAsync(ClaimedBatch batch, IReadOnlyList<FailedJob> jobs, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(batch);
        ArgumentNullException.ThrowIfNull(jobs);
        if (jobs.Count == 0) return 0;
        var ids = jobs.Select(job => job.JobId).ToArray();
        await ScalarAsync("fail_jobs",
        [
            .. Token(batch),
            Parameter("job_ids", NpgsqlDbType.Array | NpgsqlDbType.Bigint, ids),
            Parameter("codes", NpgsqlDbType.Array | NpgsqlDbType.Text, jobs.Select(job => job.Code.ToCode()).ToArray()),
            Parameter("messages", NpgsqlDbType.Array | NpgsqlDbType.Text, jobs.Select(job => job.Message.Replace('\0', ' ')).ToArray()),
            Parameter("retry_delay", NpgsqlDbType.Interval, database.Options.RetryDelay),
            Parameter("max_retry_delay", NpgsqlDbType.Interval, database.Options.MaxRetryDelay),
        ], cancellationToken);
        return await ScalarAsync(
            "count_failed_jobs",
            [
                Parameter("batch_id", NpgsqlDbType.Bigint, batch.BatchId),
                Parameter("job_ids", NpgsqlDbType.Array | NpgsqlDbType.Bigint, ids),
            ],
            cancellationToken);
    }

    /// <summary>Requeues the unfinished jobs of a batch without counting the attempt, and ends the batch.</summary>
    /// <returns>Jobs requeued.</returns>
    /// <exception cref="LeaseLostException">The lease is someone else's now.</exception>
    public Task<int> RequeueAsync(ClaimedBatch batch, CancellationToken cancellationToken) =>
        RequeueAsync(batch, Unfinished, cancellationToken);

    /// <summary>Requeues the unfinished jobs of a batch without counting the attempt, says why in their history, and ends the
    /// batch.</summary>
    /// <returns>Jobs requeued.</returns>
    /// <exception cref="LeaseLostException">The lease is someone else's now.</exception>
    public Task<int> RequeueAsync(ClaimedBatch batch, string reason, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(batch);
        // Others may take the signature at once: this worker is leaving it.
        return EndAsync(batch, TimeSpan.Zero, reason, cancellationToken);
    }

    /// <summary>Ends every batch that a worker still has and requeues their jobs, also one whose claim was never answered.</summary>
    /// <param name="workerId">The worker.</param>
    /// <param name="after">Id of a batch: only newer ones are ended. Ids of batches grow; 0 ends all.</param>
    /// <param name="cancellationToken">Cancels the query.</param>
    /// <returns>Jobs requeued, the attempt not counted.</returns>
    public async Task<int> RequeueAllAsync(Guid workerId, long after, CancellationToken cancellationToken)
    {
        try
        {
            return await ScalarAsync("requeue_batches",
            [
                Parameter("worker_id", NpgsqlDbType.Uuid, workerId),
                Parameter("after", NpgsqlDbType.Bigint, after),
                Parameter("reason", NpgsqlDbType.Text, Unfinished),
            ], cancellationToken);
        }
        catch (LeaseLostException)
        {
            // Its lease had run out, and a rescue was quicker.
            return 0;
        }
    }

    /// <summary>Ends a batch all of whose jobs ended; unfinished ones are requeued, the attempt not counted.</summary>
    /// <exception cref="LeaseLostException">The lease is someone else's now.</exception>
    public Task CloseAsync(ClaimedBatch batch, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(batch);
        return EndAsync(batch, SignatureHold, "The batch ended without a result for the job.", cancellationToken);
    }

    /// <summary>Requeues the jobs of batches whose lease expired: unfinished ones with the attempt counted if they were alone, finished but
    /// unverified ones to be rendered again. Fails jobs that no living worker could serve for too long.</summary>
    /// <returns>Batches rescued.</returns>
    public Task<int> RescueExpiredAsync(CancellationToken cancellationToken) => ScalarAsync(
        "rescue_expired", [Parameter("unserved_limit", NpgsqlDbType.Interval, database.Options.UnservedLimit)], cancellationToken);

    private Task<int> EndAsync(ClaimedBatch batch, TimeSpan signatureHold, string reason, CancellationToken cancellationToken) =>
        ScalarAsync("end_batch",
            [.. Token(batch), Parameter("signature_hold", NpgsqlDbType.Interval, signatureHold),
                Parameter("reason", NpgsqlDbType.Text, reason)],
            cancellationToken);

    private Task<int> ScalarAsync(string query, IReadOnlyList<NpgsqlParameter> parameters, CancellationToken cancellationToken) =>
        database.CallAsync(query, parameters, async reader =>
        {
            await reader.ReadAsync(cancellationToken);
            return reader.GetInt32(0);
        }, cancellationToken);

    private static NpgsqlParameter[] Token(ClaimedBatch batch) =>
        [Parameter("batch_id", NpgsqlDbType.Bigint, batch.BatchId), Parameter("epoch", NpgsqlDbType.Bigint, batch.Epoch)];

    // A row is in memory as a whole once it was read, so its columns are read without awaiting.
#pragma warning disable VSTHRD103
    private async Task<ClaimedBatch?> ReadBatchAsync(NpgsqlDataReader reader, Guid workerId, CancellationToken cancellationToken)
    {
        var (jobs, unreadable) = (new List<ClaimedJob>(), new List<FailedJob>());
        (long BatchId, long Epoch, AdapterSignature Signature, DateTimeOffset ExpiresAt)? batch = null;
        while (await reader.ReadAsync(cancellationToken))
        {
            if (!reader.IsDBNull(4)) _memories[workerId] = reader.GetString(4);
            if (reader.IsDBNull(0)) continue;
            batch ??= (reader.GetInt64(0), reader.GetInt64(1), AdapterSignature.Parse(reader.GetString(2)),
                reader.GetFieldValue<DateTimeOffset>(3));
            var jobId = reader.GetInt64(5);
            try
            {
                var recipe = RecipeJson.Read(reader.GetFieldValue<byte[]>(7), batch.Value.Signature);
                jobs.Add(new ClaimedJob(jobId, reader.GetInt16(6), recipe));
            }
            catch (UnknownRecipeFieldException error)
            {
                unreadable.Add(new FailedJob(jobId, FailureCode.Requeued, error.Message));
            }
            catch (JsonException error)
            {
                unreadable.Add(new FailedJob(jobId, FailureCode.InvalidJob, $"The job's recipe cannot be read: {error.Message}"));
            }
        }

        if (batch is not { } found) return null;
        return new ClaimedBatch(found.BatchId, found.Epoch, workerId, found.Signature, found.ExpiresAt, jobs) { Unreadable = unreadable };
    }
#pragma warning restore VSTHRD103
}

/// <summary>What a worker asks for.</summary>
/// <param name="WorkerId">The registered worker.</param>
/// <param name="Models">Models it may serve; null means every registered one.</param>
/// <param name="MaxJobs">Most jobs in the batch.</param>
/// <param name="MaxPixels">Most pixels of all images of the batch together (a larger single image still goes
/// alone); null does not limit.</param>
public sealed record ClaimRequest(Guid WorkerId, IReadOnlyList<string>? Models, int MaxJobs, long? MaxPixels = null);

/// <summary>How far a batch is, shown to people.</summary>
/// <param name="Finished">Jobs of the batch that ended.</param>
/// <param name="Step">Denoising steps done of the current tensor batch.</param>
/// <param name="Steps">Denoising steps in all.</param>
public sealed record BatchProgress(int Finished, int Step, int Steps);
