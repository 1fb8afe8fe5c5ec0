using Microsoft.Extensions.Logging;

namespace BatchGen.Diffusion;

/// <summary>Log messages of the renderer, event ids from 2000.</summary>
internal static partial class Log
{
    [LoggerMessage(2000, LogLevel.Information,
        "Loaded model {Model}: {Tensors} tensors, {SizeBytes} bytes as {ComputeType} on {Device} in {ElapsedMs} ms")]
    public static partial void ModelLoaded(
        this ILogger logger, string model, int tensors, long sizeBytes, string computeType, string device, double elapsedMs);

    [LoggerMessage(2001, LogLevel.Debug, "Fused {AdapterCount} adapters into {Tensors} tensors in {ElapsedMs} ms")]
    public static partial void AdaptersFused(this ILogger logger, int adapterCount, int tensors, double elapsedMs);

    [LoggerMessage(2002, LogLevel.Warning, "{Count} keys of the adapters of {Signature} fit nothing in the model, for example {Key}")]
    public static partial void KeysUnmatched(this ILogger logger, int count, string signature, string key);

    [LoggerMessage(2003, LogLevel.Debug, "Rendered {Count} images of {WidthPixels} x {HeightPixels} in {Steps} steps in {ElapsedMs} ms")]
    public static partial void Rendered(this ILogger logger, int count, int widthPixels, int heightPixels, int steps, double elapsedMs);

    [LoggerMessage(2004, LogLevel.Error, "Base weights differ from their baseline: {Count} tensors, for example {Tensor}")]
    public static partial void WeightsDiffer(this ILogger logger, int count, string tensor);

    [LoggerMessage(2005, LogLevel.Information, "Reloaded {Count} tensors of model {Model} from its master files in {ElapsedMs} ms")]
    public static partial void Reloaded(this ILogger logger, int count, string model, double elapsedMs);

    [LoggerMessage(2006, LogLevel.Debug, "Reading adapter {Adapter} ahead of time failed; its jobs will say why: {Reason}")]
    public static partial void PrefetchFailed(this ILogger logger, string adapter, string reason);

    [LoggerMessage(
        2007, LogLevel.Warning, "The last {Tokens} tokens of the prompt of job {JobId} were cut off, as plain prompt syntax has it")]
    public static partial void PromptCut(this ILogger logger, long jobId, int tokens);

    [LoggerMessage(2008, LogLevel.Warning, "The device has no room for fused weights beside the base; "
        + "they are written over it from now on and the saved bytes put back: {Reason}")]
    public static partial void FusingInPlace(this ILogger logger, string reason);

    [LoggerMessage(2009, LogLevel.Warning, "An encoded prompt changed in memory and is encoded anew; if it happens again, test the memory")]
    public static partial void PromptDamaged(this ILogger logger);

    [LoggerMessage(2010, LogLevel.Warning, "oneDNN multiplies wrongly on this processor at {Count} shapes of convolutions so far; "
        + "found by trial. {PaddedCount} of them are drawn with padded weights, which takes a little longer, and {SlowCount} without "
        + "oneDNN, which takes several times as long")]
    public static partial void KernelsWrong(this ILogger logger, int count, int paddedCount, int slowCount);
}
