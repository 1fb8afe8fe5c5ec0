using System.Security.Cryptography;
using BatchGen.Core.Failures;
using BatchGen.Core.Jobs;
using BatchGen.Core.Submitting;
using BatchGen.Imaging;
using BatchGen.Imaging.Sheets;
using BatchGen.Worker.Faults;

namespace BatchGen.Worker.Batches;

/// <summary>Reads the start images of the jobs of one batch; jobs that share an image and a size share its pixels.</summary>
/// <remarks>Not safe for several threads: one load at a time.</remarks>
internal sealed class StartImageLoader(StartImageFolder folder)
{
    // Many large images of one batch are not worth the memory; those of one tensor batch are held by its jobs anyway.
    private const long MaxKeptBytes = 256L << 20;

    private readonly Dictionary<(string Name, int Width, int Height), (byte[] Pixels, string Sha256)> _kept = [];
    private long _keptBytes;

    /// <summary>The jobs with the pixels of their start images, and those whose image cannot be read.</summary>
    public Task<LoadedJobs> LoadAsync(IReadOnlyList<ClaimedJob> jobs, CancellationToken cancellationToken) =>
        jobs.All(job => job.Recipe.StartImagePath is null)
            ? Task.FromResult(new LoadedJobs(jobs, []))
            : Task.Run(() => Load(jobs, cancellationToken), cancellationToken);

    private LoadedJobs Load(IReadOnlyList<ClaimedJob> jobs, CancellationToken cancellationToken)
    {
        var ready = new List<ClaimedJob>(jobs.Count);
        var failed = new List<(ClaimedJob, BatchGenException)>();
        foreach (var job in jobs)
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                ready.Add(Load(job));
            }
            catch (BatchGenException error) when (error is InvalidJobException or GenerationException)
            {
                failed.Add((job, error));
            }
#pragma warning disable CA1031 // Whatever it was, it is this image that it comes up with.
            catch (Exception error) when (UnforeseenError.Is(error, cancellationToken))
#pragma warning restore CA1031
            {
                failed.Add((job, UnforeseenError.Translate(error)));
            }
        }

        return new LoadedJobs(ready, failed);
    }

    private ClaimedJob Load(ClaimedJob job)
    {
        var recipe = job.Recipe;
        if (recipe.StartImagePath is not { } name) return job;
        var key = (name, recipe.WidthPixels, recipe.HeightPixels);
        if (!_kept.TryGetValue(key, out var image))
        {
            image = Read(name, recipe.WidthPixels, recipe.HeightPixels);
            if ((_keptBytes += image.Pixels.Length) > MaxKeptBytes)
            {
                _kept.Clear();
                _keptBytes = image.Pixels.Length;
            }

            _kept[key] = image;
        }

        return job with { StartPixels = image.Pixels, StartSha256 = image.Sha256 };
    }

    private (byte[] Pixels, string Sha256) Read(string name, int width, int height)
    {
        try
        {
            var file = folder.Read(name);
            var fitted = ImageResampling.Cover(ImageEncoder.Decode(file), width, height);
            return (fitted.Rgb, Convert.ToHexStringLower(SHA256.HashData(file)));
        }
        catch (StartImageException failure)
        {
            throw failure.MayPass ? new GenerationException(failure.Message, inner: failure)
                : new InvalidJobException(failure.Message, failure)
                {
                    Lack = failure.IsMissing ? new MachineLack(LackKind.StartImage, name, "") : null,
                };
        }
        catch (InvalidDataException failure)
        {
            throw new InvalidJobException(
                $"Start image '{name}' cannot be decoded: {failure.Message.TrimEnd('.')}. Save it again, then submit the job anew.",
                failure);
        }
    }
}

/// <summary>The jobs of a group once their start images were read.</summary>
/// <param name="Ready">Jobs that can be rendered.</param>
/// <param name="Failed">Jobs that cannot, and why; an image that is missing may be this machine's lack.</param>
internal sealed record LoadedJobs(IReadOnlyList<ClaimedJob> Ready, IReadOnlyList<(ClaimedJob Job, BatchGenException Error)> Failed);
