using BatchGen.Core.Texts;

namespace BatchGen.Core.Failures;

/// <summary>A failure with one clear message for the user: what, where, what was expected, what to do. Of long values in it only the
/// beginning stays.</summary>
public abstract class BatchGenException(string message, Exception? inner = null)
    : Exception(ShortText.Of(message), inner)
{
    /// <summary>How the queue records the failure.</summary>
    public abstract FailureCode Code { get; }

    /// <summary>What this machine lacks, where that is the reason: no job is to blame then. Null for every other reason.</summary>
    public MachineLack? Lack { get; init; }
}

/// <summary>The request can never work. The job fails without a retry; the worker goes on.</summary>
public sealed class InvalidJobException(string message, Exception? inner = null) : BatchGenException(message, inner)
{
    /// <inheritdoc/>
    public override FailureCode Code => FailureCode.InvalidJob;
}

/// <summary>An adapter is missing, corrupt or incompatible. All jobs of the signature fail without a retry, unless this machine
/// <see cref="BatchGenException.Lack">lacks</see> what the registry names.</summary>
public sealed class AdapterException(string message, Exception? inner = null) : BatchGenException(message, inner)
{
    /// <inheritdoc/>
    public override FailureCode Code => FailureCode.Adapter;
}

/// <summary>A base model is missing, corrupt, of an unknown kind, or changed on disk since it was registered. Jobs fail for it unless this
/// machine <see cref="BatchGenException.Lack">lacks</see> what the registry names.</summary>
public sealed class ModelException(string message, Exception? inner = null) : BatchGenException(message, inner)
{
    /// <inheritdoc/>
    public override FailureCode Code => FailureCode.Model;
}

/// <summary>This attempt failed; another may succeed.</summary>
public sealed class GenerationException(
    string message, bool outOfMemory = false, Exception? inner = null) : BatchGenException(message, inner)
{
    /// <summary>True when the device ran out of memory: a smaller tensor batch may work.</summary>
    public bool OutOfMemory { get; } = outOfMemory;

    /// <inheritdoc/>
    public override FailureCode Code => FailureCode.Generation;
}

/// <summary>
/// The device could not take a model: its memory is used up, or it failed. No job is to blame; the worker waits and tries again.
/// </summary>
public sealed class DeviceException(string message, Exception? inner = null) : BatchGenException(message, inner)
{
    /// <inheritdoc/>
    /// <remarks>For whoever loads a model outside of a queue; a worker requeues the jobs instead.</remarks>
    public override FailureCode Code => FailureCode.Generation;
}

/// <summary>An image could not be written to disk.</summary>
public sealed class OutputException(string message, Exception? inner = null) : BatchGenException(message, inner)
{
    /// <inheritdoc/>
    public override FailureCode Code => FailureCode.Output;
}

/// <summary>The base weights differ from what was loaded, and reading them from the master again did not help.</summary>
public sealed class WeightIntegrityException(string message, Exception? inner = null) : BatchGenException(message, inner)
{
    /// <inheritdoc/>
    public override FailureCode Code => FailureCode.WeightIntegrity;
}

/// <summary>
/// Another worker owns the batch now, because its lease expired or was taken back. The results of this one are discarded.
/// </summary>
public sealed class LeaseLostException(string message, Exception? inner = null) : Exception(message, inner);
