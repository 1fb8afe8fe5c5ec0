namespace BatchGen.Queue.Signals;

/// <summary>Wakes an idle worker when jobs arrive; falls back to polling where notifications do not come through.</summary>
public sealed class WorkSignal(QueueDatabase database) : IAsyncDisposable
{
    /// <summary>Returns when jobs may have arrived, at the latest after the poll interval.</summary>
    public Task WaitAsync(CancellationToken cancellationToken) => throw new NotImplementedException(database.Options.Schema);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => throw new NotImplementedException();
}
