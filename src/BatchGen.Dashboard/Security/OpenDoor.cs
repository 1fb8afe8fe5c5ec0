using BatchGen.Queue.Access;

namespace BatchGen.Dashboard.Security;

/// <summary>Whether people need to log in: not on this machine alone, until there is a first account.</summary>
internal sealed class OpenDoor(AccessStore store, TimeProvider clock) : IDisposable
{
    private static readonly TimeSpan Recheck = TimeSpan.FromSeconds(5);

    private readonly SemaphoreSlim _gate = new(1);
    private long? _checkedAt;
    private bool _open;

    /// <summary>True when the dashboard listens on loopback only; set at start.</summary>
    public bool LoopbackOnly { get; set; }

    /// <summary>True while requests without login are let in as the local operator.</summary>
    public async ValueTask<bool> IsOpenAsync(CancellationToken cancellationToken)
    {
        if (!LoopbackOnly) return false;
        if (_checkedAt is { } at && clock.GetElapsedTime(at) < Recheck) return _open;
        await _gate.WaitAsync(cancellationToken);
        try
        {
            _open = (await store.ListAccountsAsync(cancellationToken)).Count == 0;
            _checkedAt = clock.GetTimestamp();
            return _open;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _gate.Dispose();
}
