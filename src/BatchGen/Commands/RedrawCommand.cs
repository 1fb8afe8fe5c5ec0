using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
using BatchGen.Composition;
using BatchGen.Core.Files;
using BatchGen.Core.Imaging;
using BatchGen.Core.Jobs;
using BatchGen.Core.Submitting;
using BatchGen.Diffusion.Rendering;
using BatchGen.Imaging.Recipes;
using BatchGen.Output;
using BatchGen.Worker.Redrawing;

namespace BatchGen.Commands;

/// <summary><c>batchgen redraw</c>: draws the image of a job again from its recorded recipe, and compares.</summary>
internal static class RedrawCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(ProgramContext context)
    {
        var id = new Argument<long>("ID") { Description = "Id of a job that has an image." };
        var compare = new Option<bool>("--compare") { Description = "Compare with the recorded image: the same bytes, or why not." };
        var file = new Option<string?>("--out") { Description = "Write the image that was drawn again to this new file." };
        const string Purpose = "Draw the image of a job again from its recorded recipe; nothing that is recorded is changed.";
        var command = new Command("redraw", Purpose) { id, compare, file };
        command.SetAction(async (arguments, cancellationToken) =>
        {
            var (compared, path) = (arguments.GetValue(compare), arguments.GetValue(file));
            if (!compared && path is null) throw CommandException.BadInput("Say what to do with the image: --compare, or --out FILE.");
            if (path is not null) RequireFree(path);
            RenderSupport.Require();
            await using var session = await QueueSession.OpenAsync(context, arguments, cancellationToken);
            var recorded = await FindAsync(session, arguments.GetValue(id), cancellationToken);
            var redrawn = await DrawAsync(session, recorded.Recipe, cancellationToken);
            if (path is not null) Write(path, redrawn.File, session.Settings.Options.Worker.ImageFolderAccess);
            if (!compared) return ExitCodes.Success;
            var comparison = RedrawComparison.Of(recorded.File, recorded.Recipe, redrawn);
            await context.Output.WriteLineAsync(Describe(recorded.Recipe.JobId, comparison));
            foreach (var circumstance in comparison.Circumstances) await context.Output.WriteLineAsync($"  {circumstance}");
            return comparison.SameBytes ? ExitCodes.Success : ExitCodes.Failed;
        });
        HelpWithExamples.Add(command, "batchgen redraw 1234 --compare", "batchgen redraw 1234 --out again.png");
        return command;
    }

    private static void RequireFree(string path)
    {
        if (Path.Exists(path) || new FileInfo(path).LinkTarget is not null)
            throw CommandException.BadInput($"'{path}' is there already, and redraw replaces no file. Name another one in --out.");
    }

    // A file that came meanwhile stays as well.
    private static void Write(string path, byte[] image, FolderAccess access)
    {
        FileStream? file = null;
        try
        {
            using (file = OwnFiles.Create(path, access)) file.Write(image);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            if (file is not null) File.Delete(path);
            else RequireFree(path);
            throw CommandException.Failed($"The image cannot be written to '{path}': {error.Message}", error);
        }
    }

    private static async Task<RecordedImage> FindAsync(QueueSession session, long id, CancellationToken cancellationToken)
    {
        var job = await session.Jobs.FindAsync(id, cancellationToken) ?? throw CommandException.Failed($"There is no job {id}.");
        if (job.Image is not { } image)
            throw CommandException.Failed($"Job {id} is {job.State.ToCode()} and has no image; only a recorded image can be drawn again.");
        var path = Path.Combine(WorkerHost.ImageFolder(session.Settings), image.RelativePath);
        if (!File.Exists(path)) throw CommandException.Failed($"The image of job {id} is not at '{path}' any more.");
        var file = RegularFile.ReadAllBytes(path, int.MaxValue);
        var sha256 = Convert.ToHexStringLower(SHA256.HashData(file));
        if (sha256 != image.Sha256)
            throw CommandException.Failed(
                $"The file '{path}' was changed after it was recorded: its SHA-256 is {sha256}, recorded is {image.Sha256}.");
        return new RecordedImage(file, RecipeReader.Parse(file, path));
    }

    private static async Task<RedrawnImage> DrawAsync(QueueSession session, ImageRecipe recipe, CancellationToken cancellationToken)
    {
        var model = await session.Models.FindAsync(recipe.Model, cancellationToken)
            ?? throw CommandException.Failed($"Model '{recipe.Model}' is not registered any more. Add it with 'batchgen models add'.");
        var adapters = await session.Adapters.FindAsync([.. recipe.Adapters.Select(adapter => adapter.Name)], cancellationToken);
        var options = session.Settings.Options.Diffusion;
        // What the worker's setting said when it was drawn; this program's may say something else.
        options.ComputeType = recipe.ComputeType;
        RenderSupport.Require(options);
        var folder = new StartImageFolder(WorkerHost.StartImageFolder(session.Settings));
        return await new ImageRedraw(() => new DiffusionRenderer(options), folder).DrawAsync(recipe, model, adapters, cancellationToken);
    }

    private static string Describe(long id, RedrawComparison comparison)
    {
        if (comparison.SameBytes) return $"Job {id}: the same bytes";
        if (comparison.DifferingPixels == 0) return $"Job {id}: the same pixels in another file";
        var differing = string.Create(
            CultureInfo.InvariantCulture,
            $"Job {id}: {comparison.DifferingPixels} of {comparison.Pixels} pixels differ, by up to {comparison.LargestDifference} of 255");
        return comparison.Circumstances.Count > 0 ? differing : differing + "; all that the bytes depend on is as recorded";
    }

    private sealed record RecordedImage(byte[] File, ImageRecipe Recipe);
}
