using System.Security.Cryptography;
using BatchGen.Core.Failures;
using BatchGen.Core.Jobs;
using BatchGen.Core.Submitting;
using BatchGen.Imaging;
using BatchGen.Imaging.Sheets;

namespace BatchGen.Worker.Batches;

/// <summary>Reads the pictures that the jobs of one batch start from; jobs that share a picture and a size share its pixels.</summary>
internal sealed class StartPictureLoader(StartImageFolder folder)
{
    private readonly Dictionary<(string Name, int Width, int Height), (byte[] Pixels, string Sha256)> _loaded = [];

    /// <summary>The job with its start picture's pixels; unchanged when it has none.</summary>
    /// <exception cref="InvalidJobException">The picture is missing, or not one that a job may start from.</exception>
    /// <exception cref="GenerationException">The picture is there and could not be read.</exception>
    public ClaimedJob Load(ClaimedJob job)
    {
        var recipe = job.Recipe;
        if (recipe.StartImagePath is not { } name) return job;
        var key = (name, recipe.WidthPixels, recipe.HeightPixels);
        if (!_loaded.TryGetValue(key, out var picture)) _loaded[key] = picture = Read(name, recipe.WidthPixels, recipe.HeightPixels);
        return job with { StartPixels = picture.Pixels, StartSha256 = picture.Sha256 };
    }

    private (byte[] Pixels, string Sha256) Read(string name, int width, int height)
    {
        try
        {
            var file = folder.Read(name);
            return (PictureResampling.Cover(ImageEncoder.Decode(file), width, height).Rgb, Convert.ToHexStringLower(SHA256.HashData(file)));
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
