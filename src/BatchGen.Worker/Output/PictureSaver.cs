using BatchGen.Core.Imaging;
using BatchGen.Core.Jobs;
using BatchGen.Core.Rendering;
using BatchGen.Imaging;
using BatchGen.Imaging.Files;
using BatchGen.Worker.Devices;

namespace BatchGen.Worker.Output;

/// <summary>Turns rendered pixels into files with their recipe inside. Runs beside the device thread, which renders the next pictures meanwhile.</summary>
internal sealed class PictureSaver(ImageFileWriter files, string program)
{
    /// <summary>Encodes one picture.</summary>
    /// <param name="image">The pixels.</param>
    /// <param name="job">The job.</param>
    /// <param name="recipe">What is saved inside the file.</param>
    public static EncodedPicture Encode(RenderedImage image, ClaimedJob job, ImageRecipe recipe) => new(image, job, recipe, ImageEncoder.Encode(image, job.Recipe.Format, recipe));

    /// <summary>Writes one picture; blocks until it is safe on disk.</summary>
    /// <exception cref="Core.Failures.OutputException">The file could not be written.</exception>
    public CompletedJob Write(EncodedPicture picture)
    {
        var (image, job) = (picture.Image, picture.Job);
        var file = files.Write(job.JobId, job.Recipe.Format, picture.Bytes);
        return new CompletedJob(
            job.JobId, file.RelativePath, file.SizeBytes, file.Sha256, image.WidthPixels, image.HeightPixels, job.Recipe.Seed, ImageRecipeJson.Write(picture.Recipe));
    }

    /// <summary>The recipe of a job as it stands on the device now.</summary>
    public ImageRecipe Describe(ClaimedJob job, DeviceSession device)
    {
        var recipe = job.Recipe;
        var sha256 = device.Adapters.ToDictionary(adapter => adapter.Name, adapter => adapter.Sha256, StringComparer.Ordinal);
        return new ImageRecipe
        {
            JobId = job.JobId,
            Fields = RecipeJson.Write(recipe),
            StartImageSha256 = job.StartSha256,
            Model = recipe.Signature.Model,
            ModelSha256 = device.Model!.Sha256,
            Adapters =
            [
                .. recipe.Signature.Adapters.Select(use => new ImageRecipeAdapter(
                    use.Name, sha256[use.Name], use.Strength, use.EffectiveTextEncoderStrength, use.BlockStrengths)),
            ],
            Signature = recipe.Signature.ToString(),
            Device = device.Device.Name,
            ComputeType = device.Device.ComputeType,
            Program = program,
        };
    }
}

/// <summary>A picture as it will stand in its file.</summary>
internal sealed record EncodedPicture(RenderedImage Image, ClaimedJob Job, ImageRecipe Recipe, byte[] Bytes);
