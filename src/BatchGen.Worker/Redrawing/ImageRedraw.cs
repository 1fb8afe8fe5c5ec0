using BatchGen.Core.Adapters;
using BatchGen.Core.Failures;
using BatchGen.Core.Imaging;
using BatchGen.Core.Jobs;
using BatchGen.Core.Registry;
using BatchGen.Core.Rendering;
using BatchGen.Core.Submitting;
using BatchGen.Imaging;
using BatchGen.Worker.Batches;
using BatchGen.Worker.Devices;
using BatchGen.Worker.Output;

namespace BatchGen.Worker.Redrawing;

/// <summary>Draws an image again from the recipe inside its file, to prove that it is what the recipe says.</summary>
/// <param name="create">Makes the renderer; called on the thread that owns the device from then on.</param>
/// <param name="startImages">The folder of start images.</param>
public sealed class ImageRedraw(RendererFactory create, StartImageFolder startImages)
{
    /// <summary>Draws an image again.</summary>
    /// <param name="recorded">The recipe inside the file.</param>
    /// <param name="model">The model as registered now.</param>
    /// <param name="adapters">The adapters as registered now.</param>
    /// <param name="cancellationToken">Stops between two steps.</param>
    /// <exception cref="BatchGenException">
    /// Model, adapters or start image cannot be read, are not those of the recipe any more, or the drawing failed.
    /// </exception>
    public async Task<RedrawnImage> DrawAsync(
        ImageRecipe recorded, ModelRecord model, IReadOnlyList<AdapterRecord> adapters, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(recorded);
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(adapters);
        CheckContent(recorded, model, adapters);
        var signature = AdapterSignature.Parse(recorded.Signature);
        var recipe = RecipeJson.Read(System.Text.Encoding.UTF8.GetBytes(recorded.Fields.ToJsonString()), signature);
        var loaded = await new StartImageLoader(startImages).LoadAsync([new ClaimedJob(recorded.JobId, 1, recipe)], cancellationToken);
        if (loaded.Failed.Count > 0) throw loaded.Failed[0].Error;
        var job = loaded.Ready[0];
        if (job.StartSha256 != recorded.StartImageSha256)
            throw new InvalidJobException(
                $"Start image '{recipe.StartImagePath}' is another than the one it was drawn from: "
                + $"its SHA-256 is {job.StartSha256}, recorded is {recorded.StartImageSha256}.");
        using var thread = new DeviceThread("redraw");
        return await thread.RunAsync(() => Draw(recorded, job, model, adapters, cancellationToken));
    }

    private RedrawnImage Draw(
        ImageRecipe recorded, ClaimedJob job, ModelRecord model, IReadOnlyList<AdapterRecord> adapters, CancellationToken cancellationToken)
    {
        using var renderer = create();
        renderer.LoadModel(model, cancellationToken);
        if (adapters.Count > 0) renderer.Fuse(job.Recipe.Signature, adapters, cancellationToken);
        var image = renderer.Render([job], new Silent(), cancellationToken)[0];
        var device = renderer.Device;
        var now = recorded with
        {
            Program = ProgramLabel.Current,
            Torch = device.Torch,
            Device = device.Name,
            Processor = device.Processor,
            ComputeType = device.ComputeType,
            Threads = device.Threads,
        };
        // The recorded recipe goes into the file, so that equal pixels give equal bytes.
        return new RedrawnImage(image, ImageEncoder.Encode(image, job.Recipe.Format, recorded), now);
    }

    private static void CheckContent(ImageRecipe recorded, ModelRecord model, IReadOnlyList<AdapterRecord> adapters)
    {
        if (model.Sha256 != recorded.ModelSha256)
            throw new ModelException(
                $"Model '{recorded.Model}' is another than the one it was drawn with: "
                + $"its SHA-256 is {model.Sha256}, recorded is {recorded.ModelSha256}.");
        foreach (var used in recorded.Adapters)
        {
            var now = adapters.FirstOrDefault(adapter => adapter.Name == used.Name)
                ?? throw new AdapterException($"Adapter '{used.Name}' is not registered any more. Add it with 'batchgen adapters add'.");
            if (now.Sha256 != used.Sha256)
                throw new AdapterException(
                    $"Adapter '{used.Name}' is another than the one it was drawn with: "
                    + $"its SHA-256 is {now.Sha256}, recorded is {used.Sha256}.");
        }
    }

    private sealed class Silent : IProgress<StepProgress>
    {
        public void Report(StepProgress value)
        {
        }
    }
}

/// <summary>An image that was drawn again.</summary>
/// <param name="Image">Its pixels.</param>
/// <param name="File">The file that they make with the recorded recipe inside.</param>
/// <param name="Recipe">The recorded recipe with what it was drawn with now.</param>
public sealed record RedrawnImage(RenderedImage Image, byte[] File, ImageRecipe Recipe);
