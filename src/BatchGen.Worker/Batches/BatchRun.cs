using BatchGen.Core.Failures;
using BatchGen.Core.Imaging;
using BatchGen.Core.Jobs;
using BatchGen.Core.Monitoring;
using BatchGen.Core.Rendering;
using BatchGen.Core.Submitting;
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
    WorkerHealth health,
    FailureWatch failures,
    ILogger log)
{
    /// <summary>How the message of an attempt begins whose adapters could not be fused; the database knows it by that
    /// (db/functions/lacks/could_not_begin.sql), and a test holds both equal.</summary>
    internal const string UnbegunStart = "Not begun: ";

    private Task _saving = Task.CompletedTask;
    private int _failed;

    /// <summary>Jobs whose image was saved and recorded.</summary>
    public int Succeeded { get; private set; }

    /// <summary>Jobs whose attempt failed; those that wait uncounted are not among them.</summary>
    public int Failed => Volatile.Read(ref _failed);

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
            : await DatabaseRetry.RunAsync(log, health, token => owners.ListKeptAsync(missing, token), cancellationToken);
        foreach (var (job, error) in failed)
        {
            var lack = error.Lack is { } found && kept.Contains(found.Name) ? found : null;
            if (lack is not null) await lacks.NoteAsync(lack, error.Message, cancellationToken);
            var mayPass = lack is not null || error is GenerationException { InnerException: StartImageException };
            var code = mayPass ? FailureCode.Requeued : error.Code;
            await RecordAsync([new FailedJob(job.JobId, code, FailureText.WithoutFolders(error.Message))], cancellationToken);
        }
    }

    // False when the adapters or the model cannot be used: no job of the batch is left to render then.
    private async Task<bool> FuseAsync(CancellationToken cancellationToken)
    {
        try
        {
            await device.PrepareAsync(batch.Signature, cancellationToken);
        }
        catch (BatchGenException error) when (error.Lack is null && error is AdapterException or ModelException)
        {
            log.SignatureFailed(batch.BatchId, batch.Signature.ToString(), error.Message);
            await FailAsync(batch.Jobs, error, cancellationToken);
            return false;
        }
        catch (GenerationException error)
        {
            log.SignatureFailed(batch.BatchId, batch.Signature.ToString(), error.Message);
            await RequeueUnbegunAsync(error.Message, cancellationToken);
            return false;
        }
#pragma warning disable CA1031 // Whatever it was, the worker goes on with other signatures.
        catch (Exception error) when (UnforeseenError.Is(error, cancellationToken))
#pragma warning restore CA1031
        {
            log.BatchFailed(batch.BatchId, error);
            await RequeueUnbegunAsync(UnforeseenError.MessageOf(error), cancellationToken);
            return false;
        }

        await lacks.DropAsync(new MachineLack(LackKind.Model, batch.Signature.Model, ""), cancellationToken);
        return true;
    }

    // Device or program failed before any job was begun, so none is charged: they wait a while for another worker or another try. A worker
    // to which this happens with one signature after the other is at fault itself.
    private async Task RequeueUnbegunAsync(string reason, CancellationToken cancellationToken)
    {
        var message = UnbegunStart + FailureText.WithoutFolders(reason);
        await RecordAsync([.. batch.Jobs.Select(job => new FailedJob(job.JobId, FailureCode.Requeued, message))], cancellationToken);
        failures.AddFailed(
            batch.BatchId, batch.Signature.ToString(), batch.Jobs.Select(_ => new FailureMark(FailureCode.Generation, message)));
    }

    private async Task RenderGroupAsync(IReadOnlyList<ClaimedJob> jobs, CancellationToken cancellationToken)
    {
        var (wanted, allCancelled) = lease.Begin(jobs);
        if (wanted.Count == 0) return;
        using var scope = log.BeginJobs(wanted);
        IReadOnlyList<RenderedImage> images;
        try
        {
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, allCancelled);
            images = await device.RenderAsync(wanted, lease, stop.Token);
        }
        catch (OperationCanceledException) when (allCancelled.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            log.JobsCancelled(wanted.Count, batch.BatchId);
            return;
        }
        catch (BatchGenException error) when (error is GenerationException or InvalidJobException)
        {
            await SplitOrFailAsync(wanted, error, cancellationToken);
            return;
        }
#pragma warning disable CA1031 // Whatever it was, it is one of these jobs that it comes up with, or else it comes up with each.
        catch (Exception error) when (UnforeseenError.Is(error, cancellationToken))
#pragma warning restore CA1031
        {
            if (wanted.Count == 1) log.JobBroke(wanted[0].JobId, error);
            await SplitOrFailAsync(wanted, UnforeseenError.Translate(error), cancellationToken);
            return;
        }

        // One group is saved while the next is rendered; a third would only wait in memory.
        await _saving;
        _saving = Span.RunAsync(SpanNames.Save, () => SaveAsync(wanted, images));
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
        var failed = new List<(ClaimedJob Job, Exception Error)>();
        // Recipes are taken before anything else is fused; images are encoded on another core than the one that drives the device.
        var recipes = jobs.Select(job => TryOne(job, () => saver.Describe(job, device), failed)).ToArray();
        var encoded = await Task.Run(() => Encode(jobs, images, recipes, failed), CancellationToken.None);
        var completed = await new FencedOutput(lease).WriteAsync(encoded, image => saver.Write(image, batch.Epoch));
        // A stop does not throw finished images away; only a lost lease does.
        await DatabaseRetry.RunAsync(log, health, token => claims.CompleteAsync(batch, completed, token), lease.Lost);
        Succeeded += completed.Count;
        WorkerMetrics.JobsSucceeded(completed.Count);
        failures.AddDrawn(batch.BatchId, batch.Signature.ToString(), completed.Count);
        lease.AddFinished(completed.Count);
        foreach (var (job, error) in failed)
        {
            log.JobBroke(job.JobId, error);
            await FailAsync([job], UnforeseenError.Translate(error), lease.Lost);
        }
    }

    private static List<EncodedImage> Encode(
        IReadOnlyList<ClaimedJob> jobs, IReadOnlyList<RenderedImage> images, ImageRecipe?[] recipes,
        List<(ClaimedJob Job, Exception Error)> failed)
    {
        var encoded = new List<EncodedImage>(jobs.Count);
        for (var i = 0; i < jobs.Count; i++)
        {
            var (job, image) = (jobs[i], images[i]);
            if (recipes[i] is { } recipe && TryOne(job, () => ImageSaver.Encode(image, job, recipe), failed) is { } done) encoded.Add(done);
        }

        return encoded;
    }

    // Null when it failed: that is the job's failure alone, and its neighbours are saved.
    private static T? TryOne<T>(ClaimedJob job, Func<T> work, List<(ClaimedJob Job, Exception Error)> failed)
        where T : class
    {
        try
        {
            return work();
        }
#pragma warning disable CA1031 // Whatever it was, the job is charged with it.
        catch (Exception error)
#pragma warning restore CA1031
        {
            failed.Add((job, error));
            return null;
        }
    }

    private async Task FailAsync(IReadOnlyList<ClaimedJob> jobs, BatchGenException error, CancellationToken cancellationToken)
    {
        var message = FailureText.WithoutFolders(error.Message);
        await RecordAsync([.. jobs.Select(job => new FailedJob(job.JobId, error.Code, message))], cancellationToken);
    }

    private async Task RecordAsync(IReadOnlyList<FailedJob> failed, CancellationToken cancellationToken)
    {
        var ended = await DatabaseRetry.RunAsync(log, health, token => claims.FailAsync(batch, failed, token), cancellationToken);
        WorkerMetrics.JobsFailed(ended);
        foreach (var job in failed)
        {
            WorkerMetrics.AttemptFailed(job.Code);
            log.JobFailed(job.JobId, job.Code.ToCode(), job.Message);
        }

        // Two groups may be recorded at the same time: one that is saved, and the next, which failed.
        Interlocked.Add(ref _failed, failed.Count(job => job.Code != FailureCode.Requeued));
        failures.AddFailed(batch.BatchId, batch.Signature.ToString(), failed.Select(job => new FailureMark(job.Code, job.Message)));
        lease.AddFinished(failed.Count);
    }
}
