using BatchGen.Core.Failures;
using BatchGen.Core.Jobs;
using BatchGen.Core.Rendering;
using BatchGen.Queue;
using BatchGen.Queue.Claims;
using BatchGen.Worker.Devices;
using BatchGen.Worker.Leases;
using BatchGen.Worker.Output;
using Microsoft.Extensions.Logging;

namespace BatchGen.Worker.Batches;

/// <summary>Renders the jobs of one claimed batch, saves their pictures and records what became of each.</summary>
/// <remarks>Pictures are encoded, written and recorded beside the device thread, which renders the next tensor batch meanwhile.</remarks>
internal sealed class BatchRun(
    ClaimedBatch batch, DeviceSession device, StartPictureLoader startPictures, PictureSaver saver, BatchClaims claims, LeaseKeeper lease, TensorBatchLimit limit, ILogger log)
{
    private Task _saving = Task.CompletedTask;

    /// <summary>Pictures saved and recorded.</summary>
    public int Succeeded { get; private set; }

    /// <summary>Attempts that failed.</summary>
    public int Failed { get; private set; }

    /// <summary>Fuses what the batch needs and renders every job in it.</summary>
    /// <param name="lastGroupStarts">Called once, before the last tensor batch: the moment to look for the next batch.</param>
    /// <param name="cancellationToken">Stops between two steps.</param>
    /// <exception cref="OperationCanceledException">Stopped, or the lease was lost; what was rendered before is saved or dropped.</exception>
    /// <exception cref="OutputException">Pictures cannot be written; the unfinished jobs are not to blame.</exception>
    public async Task RunAsync(Action lastGroupStarts, CancellationToken cancellationToken)
    {
        var groups = BatchShape.Group(batch.Jobs, limit.Value);
        // Read and fitted beside the device thread: for the first group while adapters are fused, for the others while the one before is drawn.
        var loading = startPictures.LoadAsync(groups[0], cancellationToken);
        try
        {
            await device.PrepareAsync(batch.Signature, cancellationToken);
        }
        catch (BatchGenException error) when (error is AdapterException or ModelException or GenerationException)
        {
            log.SignatureFailed(batch.BatchId, batch.Signature.ToString(), error.Message);
            await FailAsync(batch.Jobs, error, cancellationToken);
            return;
        }

        try
        {
            for (var i = 0; i < groups.Count; i++)
            {
                if (i == groups.Count - 1) lastGroupStarts();
                var loaded = await loading;
                if (i < groups.Count - 1) loading = startPictures.LoadAsync(groups[i + 1], cancellationToken);
                // A job whose start picture cannot be had fails alone; its neighbours are drawn.
                foreach (var (job, error) in loaded.Failed) await FailAsync([job], error, cancellationToken);
                await RenderAsync(loaded.Ready, cancellationToken);
            }
        }
        finally
        {
            await _saving;
        }
    }

    private async Task RenderAsync(IReadOnlyList<ClaimedJob> jobs, CancellationToken cancellationToken)
    {
        var (wanted, allCancelled) = lease.Begin(jobs);
        if (wanted.Count == 0) return;
        try
        {
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, allCancelled);
            var images = await device.RenderAsync(wanted, lease, stop.Token);
            // One group is saved while the next is rendered; a third would only wait in memory.
            await _saving;
            _saving = SaveAsync(wanted, images);
        }
        catch (OperationCanceledException) when (allCancelled.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            log.JobsCancelled(wanted.Count, batch.BatchId);
        }
        catch (BatchGenException error) when (error is GenerationException or InvalidJobException)
        {
            await SplitOrFailAsync(wanted, error, cancellationToken);
        }
    }

    // Halving finds the job that fails alone, and the size that fits in memory.
    private async Task SplitOrFailAsync(IReadOnlyList<ClaimedJob> jobs, BatchGenException error, CancellationToken cancellationToken)
    {
        if (jobs.Count == 1)
        {
            await FailAsync(jobs, error, cancellationToken);
            return;
        }

        var half = (jobs.Count + 1) / 2;
        if (error is GenerationException { OutOfMemory: true }) limit.LowerTo(half);
        log.TensorBatchHalved(jobs.Count, half, error.Message);
        await RenderAsync([.. jobs.Take(half)], cancellationToken);
        await RenderAsync([.. jobs.Skip(half)], cancellationToken);
    }

    private async Task SaveAsync(IReadOnlyList<ClaimedJob> jobs, IReadOnlyList<RenderedImage> images)
    {
        // Described before anything else is fused; encoded on another core than the one that drives the device.
        var recipes = jobs.Select(job => saver.Describe(job, device)).ToArray();
        var pictures = await Task.Run(() => jobs.Select((job, i) => PictureSaver.Encode(images[i], job, recipes[i])).ToArray(), CancellationToken.None);
        // A worker that was suspended past its lease must not write over pictures that another has recorded meanwhile.
        await DatabaseRetry.RunAsync(lease.ConfirmAsync, lease.Lost);
        var saved = await Task.Run(() => pictures.Where(picture => !lease.IsCancelled(picture.Job.JobId)).Select(saver.Write).ToArray(), CancellationToken.None);
        // A stop does not throw finished pictures away; only a lost lease does.
        await DatabaseRetry.RunAsync(token => claims.CompleteAsync(batch, saved, token), lease.Lost);
        Succeeded += saved.Length;
        lease.AddFinished(saved.Length);
    }

    private async Task FailAsync(IReadOnlyList<ClaimedJob> jobs, BatchGenException error, CancellationToken cancellationToken)
    {
        var failed = jobs.Select(job => new FailedJob(job.JobId, error.Code, FailureText.WithoutFolders(error.Message))).ToArray();
        await DatabaseRetry.RunAsync(token => claims.FailAsync(batch, failed, token), cancellationToken);
        foreach (var job in jobs) log.JobFailed(job.JobId, error.Code.ToCode(), error.Message);
        Failed += jobs.Count;
        lease.AddFinished(jobs.Count);
    }
}
