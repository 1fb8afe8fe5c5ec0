using BatchGen.Core.Imaging;
using BatchGen.Core.Jobs;
using BatchGen.Core.Rendering;
using BatchGen.Imaging;
using BatchGen.Imaging.Files;
using BatchGen.Worker.Devices;

namespace BatchGen.Worker.Output;

/// <summary>Turns rendered pixels into files with their recipe inside.</summary>
/// <remarks>Runs beside the device thread, which renders the next images meanwhile.</remarks>
/// <param name="files">Writes the files.</param>
/// <param name="program">Name and version of the program, for the recipe.</param>
internal sealed class ImageSaver(ImageFileWriter files, string program)
{
    /// <summary>The folder that files are written to.</summary>
    public string Folder => files.Folder;

    /// <summary>Encodes one image in the format that its job asks for.</summary>
    /// <param name="image">The pixels.</param>
    /// <param name="job">The job.</param>
    /// <param name="recipe">The recipe saved inside the file.</param>
    public static EncodedImage Encode(RenderedImage image, ClaimedJob job, ImageRecipe recipe) =>
        new(image, job, recipe, ImageEncoder.Encode(image, job.Recipe.Format, recipe));

    /// <summary>Writes one image; blocks until it is safe on disk.</summary>
    /// <param name="encoded">The image.</param>
    /// <param name="epoch">Epoch of its batch.</param>
    /// <exception cref="Core.Failures.OutputException">The file could not be written.</exception>
    public CompletedJob Write(EncodedImage encoded, long epoch)
    {
        var (image, job) = (encoded.Image, encoded.Job);
        var file = files.Write(job.JobId, epoch, job.Recipe.Format, encoded.Bytes);
        return new CompletedJob(
            job.JobId,
            file.RelativePath,
            file.SizeBytes,
            file.Sha256,
            image.WidthPixels,
            image.HeightPixels,
            job.Recipe.Seed,
            ImageRecipeJson.Write(encoded.Recipe));
    }

    /// <summary>The recipe of a job with the model and adapters that are on the device now.</summary>
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
            Processor = device.Device.Processor,
            Torch = device.Device.Torch,
            Threads = device.Device.Threads,
            Program = program,
        };
    }
}

/// <summary>An image with the bytes of its file.</summary>
/// <param name="Image">The pixels.</param>
/// <param name="Job">The job.</param>
/// <param name="Recipe">The recipe inside the file.</param>
/// <param name="Bytes">The file.</param>
internal sealed record EncodedImage(RenderedImage Image, ClaimedJob Job, ImageRecipe Recipe, byte[] Bytes);
