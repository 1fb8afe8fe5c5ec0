using Microsoft.Extensions.Logging;

namespace BatchGen.Worker;

/// <summary>What the worker logs; event ids 4000 and up, never reused.</summary>
internal static partial class Log
{
    [LoggerMessage(4000, LogLevel.Information, "Worker {WorkerId} ({Name}) started on {Device} with {ComputeType}")]
    public static partial void WorkerStarted(this ILogger log, Guid workerId, string name, string device, string computeType);

    [LoggerMessage(4001, LogLevel.Information, "Worker stopped: {Reason}")]
    public static partial void WorkerStopped(this ILogger log, string reason);

    [LoggerMessage(4002, LogLevel.Error, "Worker must stop: {Message}")]
    public static partial void WorkerFailed(this ILogger log, string message, Exception error);

    [LoggerMessage(4003, LogLevel.Warning, "The worker could not be signed off: {Message}")]
    public static partial void LeaveFailed(this ILogger log, string message);

    [LoggerMessage(4013, LogLevel.Error, "Batch {BatchId}: {Signature} cannot be rendered: {Message}")]
    public static partial void SignatureFailed(this ILogger log, long batchId, string signature, string message);

    [LoggerMessage(4014, LogLevel.Debug, "Adapters of {Signature} could not be read ahead: {Message}")]
    public static partial void PrefetchFailed(this ILogger log, string signature, string message);

    [LoggerMessage(4020, LogLevel.Information, "Batch {BatchId} of {Signature} done: {Succeeded} rendered, {Failed} failed of {Jobs} in {ElapsedMs:0} ms")]
    public static partial void BatchDone(this ILogger log, long batchId, string signature, int succeeded, int failed, int jobs, double elapsedMs);

    [LoggerMessage(4021, LogLevel.Warning, "Job {JobId} failed ({Kind}): {Message}")]
    public static partial void JobFailed(this ILogger log, long jobId, string kind, string message);

    [LoggerMessage(4022, LogLevel.Warning, "{Jobs} pictures at once failed, going on with {Half}: {Message}")]
    public static partial void TensorBatchHalved(this ILogger log, int jobs, int half, string message);

    [LoggerMessage(4023, LogLevel.Information, "{Jobs} jobs of batch {BatchId} were cancelled while they were rendered")]
    public static partial void JobsCancelled(this ILogger log, int jobs, long batchId);

    [LoggerMessage(4024, LogLevel.Error, "Batch {BatchId} failed with an unforeseen error")]
    public static partial void BatchFailed(this ILogger log, long batchId, Exception error);

    [LoggerMessage(4025, LogLevel.Information, "Batch {BatchId} given back with {Jobs} unfinished jobs")]
    public static partial void BatchGivenBack(this ILogger log, long batchId, int jobs);

    [LoggerMessage(4026, LogLevel.Warning, "Rescued {Batches} batches whose lease had expired")]
    public static partial void BatchesRescued(this ILogger log, int batches);

    [LoggerMessage(4030, LogLevel.Warning, "Lease of batch {BatchId} is lost: {Message}")]
    public static partial void LeaseLost(this ILogger log, long batchId, string message);

    [LoggerMessage(4031, LogLevel.Warning, "Heartbeat of batch {BatchId} failed: {Message}")]
    public static partial void HeartbeatFailed(this ILogger log, long batchId, string message);

    [LoggerMessage(4040, LogLevel.Debug, "Checkpoint after batch {BatchId} passed: {Tensors} tensors in {ElapsedMs:0.0} ms, {Images} pictures verified")]
    public static partial void CheckpointPassed(this ILogger log, long batchId, int tensors, double elapsedMs, int images);

    [LoggerMessage(4041, LogLevel.Error, "Base weights drifted after batch {BatchId}: {Tensors} ({Count} in all); {Jobs} finished jobs are rendered again")]
    public static partial void WeightsDrifted(this ILogger log, long batchId, string tensors, int count, int jobs);

    [LoggerMessage(4042, LogLevel.Warning, "Reloaded {Tensors} tensors ({SizeBytes} bytes) from the master in {ElapsedMs:0} ms; the checksum passes again")]
    public static partial void WeightsRestored(this ILogger log, int tensors, long sizeBytes, double elapsedMs);

    [LoggerMessage(4050, LogLevel.Error, "Pictures of batch {BatchId} could not be written; its jobs go back: {Message}")]
    public static partial void OutputFailed(this ILogger log, long batchId, string message);

    [LoggerMessage(4051, LogLevel.Error, "Nothing is claimed because pictures could not be written: {Message} Looking again in {Interval}")]
    public static partial void OutputBlocked(this ILogger log, string message, TimeSpan interval);

    [LoggerMessage(4052, LogLevel.Error, "The device could not take the model of batch {BatchId}; its jobs go back, and nothing is claimed for {Interval}: {Message}")]
    public static partial void DeviceFailed(this ILogger log, long batchId, TimeSpan interval, string message);

    [LoggerMessage(4060, LogLevel.Information, "Canary of model {Model}: {Verdict}, in {ElapsedMs:0} ms")]
    public static partial void CanaryDrawn(this ILogger log, string model, string verdict, double elapsedMs);

    [LoggerMessage(4061, LogLevel.Error, "The canary of model {Model} differs from the first one; all weights are reloaded from the master")]
    public static partial void CanaryDiffers(this ILogger log, string model);

    [LoggerMessage(4062, LogLevel.Error, "The canary of model {Model} still differs after a reload: the worker paused itself. Look at both pictures, test device and memory, then resume it")]
    public static partial void CanaryIncurable(this ILogger log, string model);

    [LoggerMessage(4064, LogLevel.Error, "The canary of model {Model} differs and its weights could not be reloaded: the worker paused itself. Resumed, it draws another before the next batch: {Message}")]
    public static partial void CanaryNotReloaded(this ILogger log, string model, string message);

    [LoggerMessage(4063, LogLevel.Error, "The canary of model {Model} could not be drawn: {Message}")]
    public static partial void CanaryFailed(this ILogger log, string model, string message);
}
