using BatchGen.Core.Failures;
using BatchGen.Core.Jobs;
using BatchGen.Core.Monitoring;
using BatchGen.Core.Rendering;
using BatchGen.Queue.Claims;
using BatchGen.Queue.Jobs;
using BatchGen.Worker.Devices;
using BatchGen.Worker.Faults;
using BatchGen.Worker.Leases;
using BatchGen.Worker.Monitoring;
using BatchGen.Worker.Output;
using Microsoft.Extensions.Logging;

namespace BatchGen.Worker.Batches;

/// <summary>Renders the jobs of one claimed batch, saves their images and records the outcome of each.</summary>
/// <remarks>Images are encoded, written and recorded beside the device thread, which renders the next group of jobs meanwhile.</remarks>
internal sealed class BatchRun(
    ClaimedBatch batch,
    DeviceSession device,
    StartImageLoader startImages,
    ImageSaver saver,
    BatchClaims claims,
    LeaseKeeper lease,
    TensorBatchLimit limit,
    StartImageOwners owners,
    LackBook lacks,
    FailureWatch failures,
    ILogger log)
{
    private Task _saving = Task.CompletedTask;

    /// <summary>Jobs whose image was saved and recorded.</summary>
    public int Succeeded { get; private set; }

    /// <summary>Jobs whose attempt failed.</summary>
    public int Failed { get; private set; }

    /// <summary>Fuses the adapters of the batch and renders every job in it.</summary>
    /// <param name="lastGroupStarts">Called once, before the last group is rendered: the moment to claim the next batch.</param>
    /// <param name="cancellationToken">Stops between two steps.</param>
    /// <exception cref="OperationCanceledException">Stopped, or the lease was lost; images rendered before
    /// are saved or dropped.</exception>
    /// <exception cref="OutputException">Images cannot be written; the unfinished jobs are not to blame.</exception>
    /// <exception cref="BatchGenException">This machine lacks what the batch needs; no job is to blame.</exception>
    public async Task RunAsync(Action lastGroupStarts, CancellationToken cancellationToken)
    {
        if (batch.Unreadable.Count > 0) await RecordAsync(batch.Unreadable, cancellationToken);
        if (batch.Jobs.Count == 0) return;
        var groups = BatchShape.Group(batch.Jobs, limit.Value);
        // Start images of the first group are read while adapters are fused, those of the others while the group before is rendered.
        var loading = startImages.LoadAsync(groups[0], cancellationToken);
        if (!await FuseAsync(cancellationToken)) return;
        try
        {
            for (var i = 0; i < groups.Count; i++)
            {
                if (i == groups.Count - 1) lastGroupStarts();
                var loaded = await loading;
                if (i < groups.Count - 1) loading = startImages.LoadAsync(groups[i + 1], cancellationToken);
                if (loaded.Ready.Any(job => job.Recipe.StartImagePath is not null)) await lacks.DropStartImagesAsync(cancellationToken);
                await RecordWithoutStartImageAsync(loaded.Failed, cancellationToken);
                await RenderGroupAsync(loaded.Ready, cancellationToken);
            }
        }
        finally
        {
            await _saving;
        }
    }

    // A job whose start image cannot be read fails alone; its neighbours are rendered. Where the file is there and this machine cannot read
    // it, or a tenant sent it and this machine does not have it, the job waits a while for another worker or another look, uncounted.
    private async Task RecordWithoutStartImageAsync(
        IReadOnlyList<(ClaimedJob Job, BatchGenException Error)> failed, CancellationToken cancellationToken)
    {
        var missing = failed.Select(item => item.Error.Lack?.Name).OfType<string>().Distinct(StringComparer.Ordinal).ToArray();
        var kept = missing.Length == 0 ? []
            : await DatabaseRetry.RunAsync(log, token => owners.ListKeptAsync(missing, token), cancellationToken);
        foreach (var (job, error) in failed)
        {
            var lack = error.Lack is { } found && kept.Contains(found.Name) ? found : null;
            if (lack is not null) await lacks.NoteAsync(lack, error.Message, cancellationToken);
            var code = lack is not null || error is GenerationException ? FailureCode.Requeued : error.Code;
            await RecordAsync([new FailedJob(job.JobId, code, FailureText.WithoutFolders(error.Message))], cancellationToken);
        }
    }

    // False when the adapters or the model cannot be used: all jobs of the batch have failed then.
    private async Task<bool> FuseAsync(CancellationToken cancellationToken)
    {
        try
        {
            await device.PrepareAsync(batch.Signature, cancellationToken);
            return true;
        }
        catch (BatchGenException error) when (error.Lack is null
            && (error is AdapterException or ModelException or GenerationException))
        {
            log.SignatureFailed(batch.BatchId, batch.Signature.ToString(), error.Message);
            await FailAsync(batch.Jobs, error, cancellationToken);
            return false;
        }
    }

    private async Task RenderGroupAsync(IReadOnlyList<ClaimedJob> jobs, CancellationToken cancellationToken)
    {
        var (wanted, allCancelled) = lease.Begin(jobs);
        if (wanted.Count == 0) return;
        using var scope = log.BeginJobs(wanted);
        try
        {
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, allCancelled);
            var images = await device.RenderAsync(wanted, lease, stop.Token);
            // One group is saved while the next is rendered; a third would only wait in memory.
            await _saving;
            _saving = Span.RunAsync(SpanNames.Save, () => SaveAsync(wanted, images));
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
        await RenderGroupAsync([.. jobs.Take(half)], cancellationToken);
        await RenderGroupAsync([.. jobs.Skip(half)], cancellationToken);
    }

    private async Task SaveAsync(IReadOnlyList<ClaimedJob> jobs, IReadOnlyList<RenderedImage> images)
    {
        // Recipes are taken before anything else is fused; images are encoded on another core than the one that drives the device.
        var recipes = jobs.Select(job => saver.Describe(job, device)).ToArray();
        var encoded = await Task.Run(
            () => jobs.Select((job, i) => ImageSaver.Encode(images[i], job, recipes[i])).ToArray(), CancellationToken.None);
        var completed = await new FencedOutput(lease).WriteAsync(encoded, image => saver.Write(image, batch.Epoch));
        // A stop does not throw finished images away; only a lost lease does.
        await DatabaseRetry.RunAsync(token => claims.CompleteAsync(batch, completed, token), lease.Lost);
        Succeeded += completed.Count;
        failures.AddDrawn(completed.Count);
        lease.AddFinished(completed.Count);
    }

    private async Task FailAsync(IReadOnlyList<ClaimedJob> jobs, BatchGenException error, CancellationToken cancellationToken)
    {
        var message = FailureText.WithoutFolders(error.Message);
        await RecordAsync([.. jobs.Select(job => new FailedJob(job.JobId, error.Code, message))], cancellationToken);
    }

    private async Task RecordAsync(IReadOnlyList<FailedJob> failed, CancellationToken cancellationToken)
    {
        await DatabaseRetry.RunAsync(token => claims.FailAsync(batch, failed, token), cancellationToken);
        foreach (var job in failed)
        {
            WorkerMetrics.AttemptFailed(job.Code);
            log.JobFailed(job.JobId, job.Code.ToCode(), job.Message);
        }

        Failed += failed.Count;
        failures.AddFailed(batch.BatchId, batch.Signature.ToString(), failed.Select(job => new FailureMark(job.Code, job.Message)));
        lease.AddFinished(failed.Count);
    }
}
