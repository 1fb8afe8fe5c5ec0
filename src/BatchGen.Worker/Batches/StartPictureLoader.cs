using System.Security.Cryptography;
using BatchGen.Core.Failures;
using BatchGen.Core.Jobs;
using BatchGen.Core.Submitting;
using BatchGen.Imaging;
using BatchGen.Imaging.Sheets;

namespace BatchGen.Worker.Batches;

/// <summary>Reads the pictures that the jobs of one batch start from; jobs that share a picture and a size share its pixels.</summary>
/// <remarks>One load at a time.</remarks>
internal sealed class StartPictureLoader(StartImageFolder folder)
{
    // Many large pictures of one batch are not worth the memory; those of one tensor batch are held by its jobs anyway.
    private const long MaxKeptBytes = 256L << 20;

    private readonly Dictionary<(string Name, int Width, int Height), (byte[] Pixels, string Sha256)> _kept = [];
    private long _keptBytes;

    /// <summary>The jobs with their start pictures' pixels, and those whose picture cannot be had.</summary>
    public Task<LoadedJobs> LoadAsync(IReadOnlyList<ClaimedJob> jobs, CancellationToken cancellationToken) =>
        jobs.All(job => job.Recipe.StartImagePath is null) ? Task.FromResult(new LoadedJobs(jobs, [])) : Task.Run(() => Load(jobs, cancellationToken), cancellationToken);

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
        }

        return new LoadedJobs(ready, failed);
    }

    private ClaimedJob Load(ClaimedJob job)
    {
        var recipe = job.Recipe;
        if (recipe.StartImagePath is not { } name) return job;
        var key = (name, recipe.WidthPixels, recipe.HeightPixels);
        if (!_kept.TryGetValue(key, out var picture))
        {
            picture = Read(name, recipe.WidthPixels, recipe.HeightPixels);
            if ((_keptBytes += picture.Pixels.Length) > MaxKeptBytes)
            {
                _kept.Clear();
                _keptBytes = picture.Pixels.Length;
            }

            _kept[key] = picture;
        }

        return job with { StartPixels = picture.Pixels, StartSha256 = picture.Sha256 };
    }

    private (byte[] Pixels, string Sha256) Read(string name, int width, int height)
    {
        try
        {
            var file = folder.Read(name);
            return (ImageResampling.Cover(ImageEncoder.Decode(file), width, height).Rgb, Convert.ToHexStringLower(SHA256.HashData(file)));
        }
        catch (StartImageException failure)
        {
            throw failure.MayPass ? new GenerationException(failure.Message, inner: failure) : new InvalidJobException(failure.Message, failure);
        }
        catch (InvalidDataException failure)
        {
            throw new InvalidJobException($"Start picture '{name}' cannot be decoded: {failure.Message.TrimEnd('.')}. Save it again, then submit the job anew.", failure);
        }
    }
}

/// <summary>What became of a group's start pictures.</summary>
/// <param name="Ready">Jobs that can be drawn.</param>
/// <param name="Failed">Jobs that cannot, and why.</param>
internal sealed record LoadedJobs(IReadOnlyList<ClaimedJob> Ready, IReadOnlyList<(ClaimedJob Job, BatchGenException Error)> Failed);
