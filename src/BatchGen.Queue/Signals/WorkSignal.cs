using Npgsql;

namespace BatchGen.Queue.Signals;

/// <summary>Wakes idle workers when jobs arrive; falls back to polling where notifications do not come through.</summary>
/// <remarks>
/// Thread safe. Of all callers that wait, one listens on a connection kept for this and wakes the others. A notification that arrived since
/// the last wait is not lost: the next wait returns for it, at once after a while of quiet. Every login of the database may send
/// notifications, as many as it likes: those that come closely after each other are answered by one look at the tables. Behind a pooler
/// that shares connections between transactions no notification arrives, and every wait lasts the poll interval. A link that is cut
/// without a word is noticed long before the poll interval ends.
/// </remarks>
public sealed class WorkSignal(QueueDatabase database) : IAsyncDisposable
{
    // A connection that breaks sooner than this is not opened again at once: something keeps breaking it.
    private static readonly TimeSpan ShortestLife = TimeSpan.FromSeconds(1);

    // Between two waits that end by notifications: a worker that has drawn an image meanwhile never waits for it.
    private static readonly TimeSpan ShortestInterval = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan OneMillisecond = TimeSpan.FromMilliseconds(1);

    private readonly SemaphoreSlim _listening = new(1, 1);
    private TaskCompletionSource _arrived = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private NpgsqlConnection? _connection;
    private long? _lastNotified;

    /// <summary>Returns when jobs may have arrived, at the latest after the poll interval; the first time at once, when it
    /// has begun to listen.</summary>
    public async Task WaitAsync(CancellationToken cancellationToken)
    {
        var arrived = Volatile.Read(ref _arrived).Task;
        if (await _listening.WaitAsync(TimeSpan.Zero, cancellationToken))
        {
            try
            {
                await ListenAsync(cancellationToken);
            }
            finally
            {
                _listening.Release();
            }

            Interlocked.Exchange(ref _arrived, new(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
            return;
        }

        // A listener that is cancelled wakes nobody: the others then wait for the poll interval.
        await Task.WhenAny(arrived, Task.Delay(database.Options.PollInterval, cancellationToken));
        cancellationToken.ThrowIfCancellationRequested();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _listening.WaitAsync();
        await DropAsync();
        _listening.Dispose();
    }

    private async Task ListenAsync(CancellationToken cancellationToken)
    {
        var limit = database.Options.PollInterval;
        var started = TimeProvider.System.GetTimestamp();
        try
        {
            if (_connection is null)
            {
                // Nobody was notified of jobs that arrived before this moment: the caller looks once more before it sleeps.
                _connection = await database.OpenListeningAsync("listen_jobs", limit, cancellationToken);
                return;
            }

            if (await _connection.WaitAsync(limit, cancellationToken)) await EndBurstAsync(_connection, cancellationToken);
        }
        catch (Exception error) when (TransientRetry.KindOf(error) is not null)
        {
            // Where the connection broke, jobs may have arrived unnoticed: the caller looks at once, and reports what it finds. Where
            // there was none, the caller polls until the next wait opens one.
            var broke = _connection is not null;
            await DropAsync();
            var left = (broke ? ShortestLife : limit) - TimeProvider.System.GetElapsedTime(started);
            if (left > TimeSpan.Zero) await Task.Delay(left < limit ? left : limit, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            // A cancelled wait can leave a read running on the connection, which is then useless.
            await DropAsync();
            throw;
        }
    }

    // What arrives meanwhile is read all the same, so that the server need not keep it; the look that follows answers it too.
    private async Task EndBurstAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var interval = database.Options.PollInterval < ShortestInterval ? database.Options.PollInterval : ShortestInterval;
        while (_lastNotified is { } last && interval - TimeProvider.System.GetElapsedTime(last) is { Ticks: > 0 } left)
        {
            // A wait of less than a millisecond would be one without end.
            await connection.WaitAsync(left < OneMillisecond ? OneMillisecond : left, cancellationToken);
        }

        _lastNotified = TimeProvider.System.GetTimestamp();
    }

    private async Task DropAsync()
    {
        if (_connection is null) return;
        await _connection.DisposeAsync();
        _connection = null;
    }
}
