using System.Data.Common;
using BatchGen.Core.Failures;
using BatchGen.Queue;

namespace BatchGen.Worker.Faults;

/// <summary>Errors that nobody foresaw while jobs were rendered or encoded, or their adapters fused.</summary>
/// <remarks>Every other error has a meaning of its own, which whoever catches it decides by its type.</remarks>
internal static class UnforeseenError
{
    /// <summary>True for an error that neither this program nor the driver of the database throws on purpose.</summary>
    /// <param name="error">The error.</param>
    /// <param name="cancellationToken">What could have been cancelled: an operation that ends as cancelled without it is such an error
    /// too.</param>
    public static bool Is(Exception error, CancellationToken cancellationToken) => error is OperationCanceledException
        ? !cancellationToken.IsCancellationRequested
        : error is not (BatchGenException or LeaseLostException or QueueException or DbException);

    /// <summary>The failure that a job is charged with.</summary>
    public static GenerationException Translate(Exception error) => new(MessageOf(error), inner: error);

    /// <summary>What stands in the history of jobs.</summary>
    public static string MessageOf(Exception error) => $"Unexpected error: {error.Message}";
}
