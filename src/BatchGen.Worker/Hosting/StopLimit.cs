namespace BatchGen.Worker.Hosting;

/// <summary>The one time limit of everything that a worker does from the moment that it is to end.</summary>
/// <param name="time">How long all of it may take together.</param>
/// <param name="clock">The clock.</param>
internal sealed class StopLimit(TimeSpan time, TimeProvider clock) : IDisposable
{
    private readonly CancellationTokenSource _source = new(Timeout.InfiniteTimeSpan, clock);
    private int _begun;

    /// <summary>Cancelled when the time is used up; never before <see cref="Begin"/>.</summary>
    public CancellationToken Passed => _source.Token;

    /// <summary>Starts the clock; later calls change nothing.</summary>
    public void Begin()
    {
        if (Interlocked.Exchange(ref _begun, 1) == 0) _source.CancelAfter(time);
    }

    /// <inheritdoc/>
    public void Dispose() => _source.Dispose();
}
