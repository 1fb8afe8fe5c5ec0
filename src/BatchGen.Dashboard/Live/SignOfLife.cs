using System.Runtime.CompilerServices;

namespace BatchGen.Dashboard.Live;

/// <summary>Adds pings to a stream of events that is silent, so that neither proxies nor listeners take it for dead.</summary>
internal static class SignOfLife
{
    /// <summary>Name of the event that only says that the stream lives.</summary>
    public const string Name = "ping";

    /// <summary>How long a stream may be silent.</summary>
    public static readonly TimeSpan LongestSilence = TimeSpan.FromSeconds(20);

    /// <summary>The events, and a ping whenever the listener has been sent nothing for <see cref="LongestSilence"/>.</summary>
    /// <param name="events">What the listener is sent. Cancelled when the listener leaves.</param>
    /// <param name="ping">What is sent into a silence.</param>
    /// <param name="clock">Measures the silence.</param>
    /// <param name="cancellationToken">Ends the stream.</param>
    public static async IAsyncEnumerable<T> WithPingsAsync<T>(
        this IAsyncEnumerable<T> events, T ping, TimeProvider clock, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var leave = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await using var each = events.GetAsyncEnumerator(leave.Token);
        var next = each.MoveNextAsync().AsTask();
        try
        {
            while (true)
            {
                await ((Task)next).WaitAsync(LongestSilence, clock, CancellationToken.None)
                    .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                if (!next.IsCompleted) yield return ping;
                else
                {
                    if (!await next) yield break;
                    yield return each.Current;
                    next = each.MoveNextAsync().AsTask();
                }
            }
        }
        finally
        {
            // A stream cannot be disposed of while its next event is waited for.
            await leave.CancelAsync();
            await ((Task)next).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
