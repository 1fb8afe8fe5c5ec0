using Microsoft.Extensions.Logging;

namespace BatchGen.Worker;

/// <summary>Log messages of the worker; event ids 4000 and up, never reused.</summary>
internal static partial class Log
{
    [LoggerMessage(4000, LogLevel.Information, "Worker {WorkerId} ({Name}) started on {Device} with {ComputeType}")]
    public static partial void WorkerStarted(this ILogger log, Guid workerId, string name, string device, string computeType);

    [LoggerMessage(4001, LogLevel.Information, "Worker stopped: {Reason}")]
    public static partial void WorkerStopped(this ILogger log, string reason);

    [LoggerMessage(4002, LogLevel.Error, "Worker failed: {Message}")]
    public static partial void WorkerFailed(this ILogger log, string message, Exception error);

    [LoggerMessage(4003, LogLevel.Warning, "The end of the worker could not be recorded: {Message}")]
    public static partial void SignOffFailed(this ILogger log, string message);

    [LoggerMessage(4013, LogLevel.Error, "Batch {BatchId} could not be rendered with {Signature}: {Message}")]
    public static partial void SignatureFailed(this ILogger log, long batchId, string signature, string message);

    [LoggerMessage(4014, LogLevel.Debug, "Adapters of {Signature} could not be read ahead: {Message}")]
    public static partial void PrefetchFailed(this ILogger log, string signature, string message);

    [LoggerMessage(
        4020,
        LogLevel.Information,
        "Finished batch {BatchId} of {Signature}: {Succeeded} rendered, {Failed} failed of {Jobs} in {ElapsedMs:0} ms")]
    public static partial void BatchDone(
        this ILogger log, long batchId, string signature, int succeeded, int failed, int jobs, double elapsedMs);

    [LoggerMessage(4021, LogLevel.Warning, "Job {JobId} failed ({Code}): {Message}")]
    public static partial void JobFailed(this ILogger log, long jobId, string code, string message);

    [LoggerMessage(4022, LogLevel.Warning, "Rendering {Jobs} images at once failed, going on with {Half}: {Message}")]
    public static partial void TensorBatchHalved(this ILogger log, int jobs, int half, string message);

    [LoggerMessage(4023, LogLevel.Information, "{Jobs} jobs of batch {BatchId} were cancelled while they were rendered")]
    public static partial void JobsCancelled(this ILogger log, int jobs, long batchId);

    [LoggerMessage(4024, LogLevel.Error, "Batch {BatchId} failed with an unforeseen error")]
    public static partial void BatchFailed(this ILogger log, long batchId, Exception error);

    [LoggerMessage(4025, LogLevel.Information, "Requeued {Jobs} unfinished jobs of batch {BatchId}")]
    public static partial void BatchRequeued(this ILogger log, long batchId, int jobs);

    [LoggerMessage(4026, LogLevel.Warning, "Rescued {Batches} batches whose lease had expired")]
    public static partial void BatchesRescued(this ILogger log, int batches);

    [LoggerMessage(4027, LogLevel.Error, "Job {JobId} failed with an unforeseen error")]
    public static partial void JobBroke(this ILogger log, long jobId, Exception error);

    [LoggerMessage(4030, LogLevel.Warning, "Lease of batch {BatchId} was lost: {Message}")]
    public static partial void LeaseLost(this ILogger log, long batchId, string message);

    [LoggerMessage(4031, LogLevel.Warning, "Heartbeat of batch {BatchId} failed: {Message}")]
    public static partial void HeartbeatFailed(this ILogger log, long batchId, string message);

    [LoggerMessage(
        4032, LogLevel.Warning, "The database cannot take the worker's calls; they are repeated until it can: {Message}")]
    public static partial void DatabaseAway(this ILogger log, string message);

    [LoggerMessage(
        4033, LogLevel.Error, "The database denies the worker's calls; they are repeated until a person has granted them: {Message}")]
    public static partial void DatabaseDenied(this ILogger log, string message);

    [LoggerMessage(4034, LogLevel.Information, "The database takes the worker's calls again after {Seconds:0.0} s")]
    public static partial void DatabaseAnswered(this ILogger log, double seconds);

    [LoggerMessage(
        4040,
        LogLevel.Debug,
        "Checkpoint after batch {BatchId} passed: {Tensors} tensors in {ElapsedMs:0.0} ms, {Images} images verified")]
    public static partial void CheckpointPassed(this ILogger log, long batchId, int tensors, double elapsedMs, int images);

    [LoggerMessage(
        4041,
        LogLevel.Error,
        "Base weights drifted after batch {BatchId}: {Tensors} ({Count} in all); {Jobs} finished jobs were requeued to be rendered again")]
    public static partial void WeightsDrifted(this ILogger log, long batchId, string tensors, int count, int jobs);

    [LoggerMessage(
        4042,
        LogLevel.Warning,
        "Reloaded {Tensors} tensors ({SizeBytes} bytes) from the master in {ElapsedMs:0} ms; the checksum passed again")]
    public static partial void WeightsRestored(this ILogger log, int tensors, long sizeBytes, double elapsedMs);

    [LoggerMessage(4050, LogLevel.Error, "Images of batch {BatchId} could not be written; its unfinished jobs are requeued: {Message}")]
    public static partial void OutputFailed(this ILogger log, long batchId, string message);

    [LoggerMessage(
        4051, LogLevel.Error, "Nothing was claimed because images could not be written; the next look follows in {Interval}: {Message}")]
    public static partial void OutputBlocked(this ILogger log, string message, TimeSpan interval);

    [LoggerMessage(
        4052,
        LogLevel.Error,
        "The device could not take the model of batch {BatchId}; its jobs are requeued, and nothing is claimed for {Interval}: {Message}")]
    public static partial void DeviceFailed(this ILogger log, long batchId, TimeSpan interval, string message);

    [LoggerMessage(
        4053,
        LogLevel.Warning,
        "This machine lacks {Kind} {Name}; jobs that need it are left to others until it is there again: {Message}")]
    public static partial void LackFound(this ILogger log, string kind, string name, string message);

    [LoggerMessage(4054, LogLevel.Information, "This machine has {Kind} {Name} again")]
    public static partial void LackEnded(this ILogger log, string kind, string name);

    [LoggerMessage(
        4055,
        LogLevel.Error,
        "The worker set itself aside and claims nothing until it is resumed, or until a job that it tries in {Interval} succeeds: "
        + "{Message}")]
    public static partial void SetAside(this ILogger log, string message, TimeSpan interval);

    [LoggerMessage(4056, LogLevel.Warning, "The worker that had set itself aside works again: {Reason}")]
    public static partial void Resumed(this ILogger log, string reason);

    [LoggerMessage(4057, LogLevel.Warning, "The device takes model {Model} again")]
    public static partial void DeviceRecovered(this ILogger log, string model);

    [LoggerMessage(4058, LogLevel.Debug, "The idle device tried to take model {Model} in vain: {Message}")]
    public static partial void DeviceTrialFailed(this ILogger log, string model, string message);

    [LoggerMessage(4060, LogLevel.Information, "Rendered a canary of model {Model} in {ElapsedMs:0} ms: {Verdict}")]
    public static partial void CanaryRendered(this ILogger log, string model, string verdict, double elapsedMs);

    [LoggerMessage(
        4061, LogLevel.Error, "The canary of model {Model} differed from the first one; all weights are reloaded from the master")]
    public static partial void CanaryDiffered(this ILogger log, string model);

    [LoggerMessage(
        4062,
        LogLevel.Error,
        "The canary of model {Model} still differed after a reload, and the worker paused itself; "
        + "look at both images, test device and memory, then resume it")]
    public static partial void CanaryDifferedAgain(this ILogger log, string model);

    [LoggerMessage(4063, LogLevel.Error, "The canary of model {Model} could not be rendered: {Message}")]
    public static partial void CanaryFailed(this ILogger log, string model, string message);

    [LoggerMessage(
        4064,
        LogLevel.Error,
        "The canary of model {Model} differed and its weights could not be reloaded, so the worker paused itself; "
        + "once resumed, it renders another canary before the next batch: {Message}")]
    public static partial void CanaryNotReloaded(this ILogger log, string model, string message);
}
