using BatchGen.Core.Imaging;
using BatchGen.Core.Jobs;
using BatchGen.Imaging;
using BatchGen.Imaging.Recipes;
using BatchGen.Testing;
using Xunit;

namespace BatchGen.EndToEndTests.Commands;

/// <summary>From <c>batchgen submit --start-image</c> to the image, with the demo model.</summary>
public sealed class StartImageTests
{
    [Fact]
    [SuccessOf("show")]
    [SuccessOf("worker")]
    public async Task An_image_rendered_from_a_start_image_resembles_it_and_names_it_in_its_recipe()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var program = new ProgramUnderTest(database);
        await RunAsync(program, "models", "add", Path.Combine(RepositoryPaths.Models, "demo"), "--name", "demo");
        await RunAsync(
            program, "submit", "--prompt", "a big red circle on a blue background", "--seed", "1", "--steps", "10", "--guidance", "4.5");
        await RunAsync(program, "worker", "--exit-when-idle");
        var first = await PathAsync(database, program, 1);

        // The same prompt from the finished image at strength 0.2 changes little; rendered from noise with another seed, much differs.
        string[] command =
        [
            "submit", "--prompt", "a big red circle on a blue background", "--seed", "2", "--steps", "10", "--guidance", "4.5",
        ];
        await RunAsync(
            program, [.. command, "--start-image", first, "--strength", "0.2", "--guidance-rescale", "0.3", "--sampler", "euler"]);
        await RunAsync(program, command);
        await RunAsync(program, "worker", "--exit-when-idle");
        var (drawn, start, other) = (await LoadAsync(await PathAsync(database, program, 2)), await LoadAsync(first),
            await LoadAsync(await PathAsync(database, program, 3)));
        Assert.True(Psnr(drawn, start) > Psnr(other, start) + 3,
            $"{Psnr(drawn, start)} dB from the start image, {Psnr(other, start)} dB without one");

        var digest = Convert.ToHexStringLower(
            System.Security.Cryptography.SHA256.HashData(await File.ReadAllBytesAsync(first, TestContext.Current.CancellationToken)));
        var recipe = RecipeReader.Read(await PathAsync(database, program, 2));
        JobField[] fields = [JobFields.StartImage, JobFields.Strength, JobFields.GuidanceRescale, JobFields.Sampler];
        Assert.Equal([digest + ".png", "0.2", "0.3", "euler"], fields.Select(recipe.TextOf));
        Assert.Equal(digest, recipe.StartImageSha256);
        var shown = await RunAsync(program, "show", await PathAsync(database, program, 2));
        Assert.Matches($"(?m)^start image +{digest}\\.png$", shown.Output);
        Assert.Matches($"(?m)^start sha-256 +{digest}$", shown.Output);
    }

    [Fact]
    public async Task A_job_whose_start_image_is_missing_fails_and_says_what_to_do()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var program = new ProgramUnderTest(database);
        await RunAsync(program, "models", "add", Path.Combine(RepositoryPaths.Models, "demo"), "--name", "demo");
        var list = Path.Combine(program.DataFolder, "jobs.csv");
        await File.WriteAllTextAsync(
            list, "prompt,start_image,steps\na {red|blue} circle,cats/gone.png,4\n", TestContext.Current.CancellationToken);
        var submitted = await RunAsync(program, "submit", list);
        Assert.Contains(
            "start image 'cats/gone.png'. Jobs fail where their worker does not find it.", submitted.Error, StringComparison.Ordinal);
        await RunAsync(program, "worker", "--exit-when-idle");

        var jobs = await database.Catalog.ListAsync(new JobFilter(), TestContext.Current.CancellationToken);
        Assert.Equal(["a blue circle", "a red circle"], jobs.Select(job => job.Recipe.Prompt));
        Assert.All(jobs, job => Assert.Equal(
            (JobState.Failed, "invalid_job",
                "Start image 'cats/gone.png' is not in 'start-images' on this machine. Put it there, then retry the job."),
            (job.State, job.FailureCode, job.FailureMessage)));
    }

    [Fact]
    public async Task Start_images_beside_a_job_file_are_stored_before_its_jobs_are_submitted()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var program = new ProgramUnderTest(database);
        await database.AddModelAsync(native: 64);
        var folder = Directory.CreateDirectory(Path.Combine(program.DataFolder, "lists")).FullName;
        var list = Path.Combine(folder, "jobs.jsonl");
        await File.WriteAllTextAsync(list, """
            {"prompt":"a","start_image":"sketch.png"}
            {"prompt":"b","start_image":"notes.png","count":2}
            """, TestContext.Current.CancellationToken);
        var image = ImageEncoder.Encode(new PixelImage(8, 8, new byte[8 * 8 * 3]), ImageFormat.Png);
        await File.WriteAllBytesAsync(Path.Combine(folder, "sketch.png"), image, TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(Path.Combine(folder, "notes.png"), "not an image", TestContext.Current.CancellationToken);
        var refused = await program.RunHereAsync("submit", list);
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains("start_image: Start image", refused.Error, StringComparison.Ordinal);
        Assert.Contains("notes.png' is not a PNG, WebP or JPEG image", refused.Error, StringComparison.Ordinal);
        Assert.Equal(0, (await database.Catalog.CountAsync(null, TestContext.Current.CancellationToken)).Total);

        await File.WriteAllBytesAsync(Path.Combine(folder, "notes.png"), image, TestContext.Current.CancellationToken);
        Assert.Equal("", (await RunAsync(program, "submit", list)).Error);
        var name = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(image)) + ".png";
        Assert.Equal(image,
            await File.ReadAllBytesAsync(Path.Combine(program.DataFolder, "start-images", name), TestContext.Current.CancellationToken));
        var jobs = await database.Catalog.ListAsync(new JobFilter(), TestContext.Current.CancellationToken);
        Assert.Equal([name, name, name], jobs.Select(job => job.Recipe.StartImagePath));
    }

    private static async Task<ProgramResult> RunAsync(ProgramUnderTest program, params string[] arguments)
    {
        // Only the worker needs a process of its own.
        var result = arguments[0] == "worker" ? await program.RunAsync(arguments) : await program.RunHereAsync(arguments);
        Assert.True(result.ExitCode == 0, $"{string.Join(' ', arguments)}: {result.Error}");
        return result;
    }

    private static async Task<string> PathAsync(TestDatabase database, ProgramUnderTest program, long id) => Path.Combine(
        program.DataFolder, "images",
        (await database.Catalog.FindAsync(id, TestContext.Current.CancellationToken))!.Image?.RelativePath ?? $"(job {id} has no image)");

    private static async Task<PixelImage> LoadAsync(string path) =>
        ImageEncoder.Decode(await File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken));

    private static double Psnr(PixelImage a, PixelImage b) => ImageComparison.Of(a.Rgb, b.Rgb, a.WidthPixels, a.HeightPixels).Psnr;
}
