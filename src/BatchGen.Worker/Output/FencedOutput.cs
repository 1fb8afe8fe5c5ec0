using BatchGen.Core.Jobs;
using BatchGen.Worker.Leases;

namespace BatchGen.Worker.Output;

/// <summary>Writes the images of a group, and looks at the lease before each.</summary>
/// <remarks>A worker that was suspended past its lease stops at the next file. What it wrote before has names of its own attempt, so it
/// replaces nothing; upkeep removes it.</remarks>
internal sealed class FencedOutput(LeaseKeeper lease)
{
    /// <summary>Writes one image after the other; those of jobs that were cancelled are left out.</summary>
    /// <param name="images">The images.</param>
    /// <param name="write">Writes one; may block.</param>
    /// <exception cref="Core.Failures.LeaseLostException">The batch belongs to someone else: the rest is not written.</exception>
    public async Task<IReadOnlyList<CompletedJob>> WriteAsync(
        IReadOnlyList<EncodedImage> images, Func<EncodedImage, CompletedJob> write)
    {
        // Rendering takes long, and the heartbeats meanwhile do not say when the last one was: the database is asked once for the group.
        await lease.ConfirmWithRetryAsync();
        var written = new List<CompletedJob>(images.Count);
        foreach (var image in images)
        {
            await lease.EnsureHeldAsync();
            if (lease.IsCancelled(image.Job.JobId)) continue;
            written.Add(await Task.Run(() => write(image), CancellationToken.None));
        }

        return written;
    }
}
