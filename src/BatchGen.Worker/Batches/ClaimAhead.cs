using BatchGen.Worker.Devices;
using Microsoft.Extensions.Logging;

namespace BatchGen.Worker.Batches;

/// <summary>Claims the next batch while the current one is rendered, and reads its adapter files meanwhile.</summary>
internal sealed class ClaimAhead(BatchSource source, DeviceSession device, ILogger log, CancellationToken stoppingToken) : IDisposable
{
    private readonly CancellationTokenSource _cancel = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
    private Task<HeldBatch?>? _claiming;

    /// <summary>Starts the claim.</summary>
    public void Start()
    {
        // What is logged and traced from here on belongs to the next batch, not to the one that is worked on.
        using var flow = ExecutionContext.SuppressFlow();
        _claiming = Task.Run(ClaimAsync);
    }

    /// <summary>The next batch; claimed now where the claim was not started before.</summary>
    /// <returns>Null when there is nothing to claim, or the worker was asked to stop.</returns>
    public async Task<HeldBatch?> TakeAsync()
    {
        try
        {
            // A batch that was claimed is returned even after a stop: it has to be requeued.
            if (_claiming is not null) return await _claiming;
            return stoppingToken.IsCancellationRequested ? null : await source.ClaimAsync(stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            return null;
        }
    }

    /// <summary>Ends a claim under way, because the worker is ending or waits for its device.</summary>
    public Task CancelAsync() => _cancel.CancelAsync();

    /// <summary>The batch that was claimed although the claim is not wanted any more.</summary>
    /// <returns>Null when none was claimed, also when claiming failed: the worker is dealing with another error already.</returns>
    public async Task<HeldBatch?> FindClaimedAsync()
    {
        if (_claiming is null) return null;
        await ((Task)_claiming).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return _claiming.IsCompletedSuccessfully ? await _claiming : null;
    }

    /// <inheritdoc/>
    public void Dispose() => _cancel.Dispose();

    private async Task<HeldBatch?> ClaimAsync()
    {
        var next = await source.ClaimAsync(_cancel.Token);
        if (next is null) return null;
        using var scope = log.BeginBatch(next.Batch);
        try
        {
            await device.PrefetchAsync(next.Batch.Signature, _cancel.Token);
        }
        // The batch must not be lost: the error comes up again when the batch is prepared, and is dealt with there.
#pragma warning disable CA1031
        catch (Exception error)
#pragma warning restore CA1031
        {
            log.PrefetchFailed(next.Batch.Signature.ToString(), error.Message);
        }

        return next;
    }
}
