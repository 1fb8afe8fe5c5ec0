using BatchGen.Queue;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace BatchGen.Dashboard.Security;

/// <summary>Ends a stream of events when its listener loses access. A stream is one request that may last for days, so access is looked
/// up again while it is open, whether or not anything is sent.</summary>
internal sealed class StreamAccess(
    AccessLookup access, IAuthorizationService authorization, IHostApplicationLifetime lifetime, TimeProvider clock,
    ILogger<StreamAccess> log) : IDisposable
{
    // A stream is to end within five seconds: an answer about accounts may be two seconds old, and the look itself takes time.
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    // Connections that looks take at the same time, however many streams are open: one look takes about a millisecond.
    private const int LooksAtOnce = 4;

    // What a stream whose access was lost gets to end by itself; a listener that reads nothing would hold it open.
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(1);

    private readonly SemaphoreSlim _looks = new(LooksAtOnce);

    /// <inheritdoc/>
    public void Dispose() => _looks.Dispose();

    /// <summary>Watches over the access of a request until it has been answered.</summary>
    /// <param name="context">The request.</param>
    /// <param name="policy">What the listener has to be allowed.</param>
    /// <returns>A token that is cancelled when the listener leaves or loses access, or the program stops.</returns>
    public async Task<CancellationToken> WatchAsync(HttpContext context, string policy)
    {
        // The web server stops when its requests have ended, and this one would not.
        var end = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, lifetime.ApplicationStopping);
        var credentials = await access.CredentialsOfAsync(context);
        var answered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        context.Response.RegisterForDisposeAsync(new Watch(end, answered, LookAsync(credentials, policy, end, answered.Task, context)));
        return end.Token;
    }

    private async Task LookAsync(
        Credentials credentials, string policy, CancellationTokenSource end, Task answered, HttpContext context)
    {
        try
        {
            using var timer = new PeriodicTimer(Interval, clock);
            while (await timer.WaitForNextTickAsync(end.Token))
            {
                if (await IsAllowedAsync(credentials, policy, end.Token)) continue;
                await end.CancelAsync();
                await answered.WaitAsync(Grace, clock, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                if (!answered.IsCompleted) context.Abort();
                return;
            }
        }
        catch (OperationCanceledException) when (end.IsCancellationRequested)
        {
            // The listener left, or the program stops.
            return;
        }
    }

    private async Task<bool> IsAllowedAsync(Credentials credentials, string policy, CancellationToken cancellationToken)
    {
        await _looks.WaitAsync(cancellationToken);
        try
        {
            return await access.FindAsync(credentials, cancellationToken) is { Succeeded: true } listener
                && (await authorization.AuthorizeAsync(listener.Principal, policy)).Succeeded;
        }
        catch (Exception failure) when (failure is NpgsqlException or QueueException or TimeoutException)
        {
            // Nobody can be removed while the database does not answer; the next look is soon.
            return true;
        }
#pragma warning disable CA1031 // A loop that goes on: a look that ended would let a listener stay who has lost access.
        catch (Exception failure) when (!cancellationToken.IsCancellationRequested)
#pragma warning restore CA1031
        {
            log.StreamAccessBroke(failure);
            return true;
        }
        finally
        {
            _looks.Release();
        }
    }

    private sealed class Watch(CancellationTokenSource end, TaskCompletionSource answered, Task looking) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            answered.TrySetResult();
            await end.CancelAsync();
            await looking;
            end.Dispose();
        }
    }
}
