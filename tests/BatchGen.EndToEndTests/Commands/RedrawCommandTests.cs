using System.Globalization;
using System.Security.Cryptography;
using BatchGen.Core.Files;
using BatchGen.Core.Jobs;
using BatchGen.Core.Rendering;
using BatchGen.Imaging;
using BatchGen.Imaging.Recipes;
using BatchGen.Testing;
using Xunit;

namespace BatchGen.EndToEndTests.Commands;

/// <summary><c>batchgen redraw</c>: recorded images are proved by being drawn again.</summary>
public sealed class RedrawCommandTests
{
    [Fact]
    [SuccessOf("redraw")]
    public async Task Images_that_were_rendered_in_a_batch_are_drawn_again_to_the_same_bytes_each_by_itself()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var program = await ProgramAsync(database);
        await RunAsync(program, "adapters", "add", Path.Combine(RepositoryPaths.Models, "demo-adapters", "demo-neon.safetensors"));
        string[] submit = ["submit", "--steps", "3", "--width", "64", "--height", "96"];
        await RunAsync(program, [.. submit, "--prompt", "a {red|blue|green} circle"]);
        await RunAsync(program, [.. submit, "--prompt", "a red star", "--adapter", "demo-neon@0.8", "--format", "jpeg"]);
        await RunAsync(program, [.. submit, "--prompt", "a red star", "--guidance", "1", "--format", "webp"]);
        await RunAsync(program, [.. submit, "--prompt", "a (red:1.3) star", "--prompt-syntax", "plain", "--noise-type", "compute_type"]);
        // Another compute type than the settings of the program that draws them again.
        program.Environment["BatchGen__Diffusion__ComputeType"] = "bfloat16";
        await RunAsync(program, "worker", "--exit-when-idle");
        program.Environment.Remove("BatchGen__Diffusion__ComputeType");
        await RunAsync(program, [.. submit, "--prompt", "a (white:1.2) house", "--seeds", "1-3"]);
        await RunAsync(program, "worker", "--exit-when-idle");

        for (var id = 1; id <= 9; id++)
            Assert.Equal($"Job {id}: the same bytes\n", (await RunAsync(program, "redraw", $"{id}", "--compare")).Output);
        var copy = Path.Combine(program.DataFolder, "again.png");
        await RunAsync(program, "redraw", "1", "--out", copy);
        Assert.Equal(await BytesAsync(await PathAsync(database, program, 1)), await BytesAsync(copy));
        if (!OperatingSystem.IsWindows()) Assert.Equal(OwnFiles.PrivateFile, File.GetUnixFileMode(copy));
    }

    [Fact]
    public async Task A_file_that_is_there_already_is_not_replaced()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var program = await ProgramAsync(database);
        await RunAsync(program, "submit", "--steps", "1", "--prompt", "a red circle");
        await RunAsync(program, "worker", "--exit-when-idle");
        var (file, link) = (Path.Combine(program.DataFolder, "notes.txt"), Path.Combine(program.DataFolder, "link.png"));
        await File.WriteAllTextAsync(file, "somebody's", TestContext.Current.CancellationToken);
        File.CreateSymbolicLink(link, "nowhere");
        foreach (var taken in (string[])[file, link, program.DataFolder])
        {
            var refused = await program.RunHereAsync("redraw", "1", "--out", taken);
            Assert.Equal((2, ""), (refused.ExitCode, refused.Output));
            Assert.Contains($"'{taken}' is there already", refused.Error, StringComparison.Ordinal);
        }

        Assert.Equal("somebody's", await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken));
        Assert.False(Path.Exists(Path.Combine(program.DataFolder, "nowhere")));
        program.Environment["BatchGen__Worker__ImageFolderAccess"] = "group";
        var shared = Path.Combine(program.DataFolder, "shared.png");
        await RunAsync(program, "redraw", "1", "--out", shared);
        if (!OperatingSystem.IsWindows())
            Assert.Equal(OwnFiles.PrivateFile | UnixFileMode.GroupRead, File.GetUnixFileMode(shared));
    }

    [Fact]
    public async Task An_image_that_cannot_be_drawn_to_the_same_bytes_is_reported_with_the_pixels_that_differ_and_what_else_was_different()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var program = await ProgramAsync(database);
        await RunAsync(program, "submit", "--steps", "3", "--prompt", "a {red|blue} circle");
        await RunAsync(program, "worker", "--exit-when-idle");
        var (path, second) = (await PathAsync(database, program, 1), await PathAsync(database, program, 2));
        await ForgeAsync(database, path, 1, rgb => rgb[300] ^= 9);
        await ForgeAsync(database, second, 2, rgb => rgb[0] ^= 1, threads: 77);

        var altered = await program.RunHereAsync("redraw", "1", "--compare");
        Assert.Equal((1, ""), (altered.ExitCode, altered.Error));
        Assert.Matches(
            "^Job 1: 1 of 4096 pixels differ, by up to \\d of 255; all that the bytes depend on is as recorded\n$", altered.Output);
        var elsewhere = await program.RunHereAsync("redraw", "2", "--compare");
        Assert.Equal(1, elsewhere.ExitCode);
        Assert.Matches("^Job 2: 1 of 4096 pixels differ, by up to 1 of 255\n  threads: \\d+, recorded 77\n$", elsewhere.Output);

        await File.AppendAllTextAsync(path, "x", TestContext.Current.CancellationToken);
        var changed = await program.RunHereAsync("redraw", "1", "--compare");
        Assert.Equal((1, ""), (changed.ExitCode, changed.Output));
        Assert.Contains("was changed after it was recorded", changed.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_job_without_an_image_and_a_model_that_was_replaced_are_named()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var program = await ProgramAsync(database);
        await RunAsync(program, "submit", "--steps", "1", "--prompt", "a red circle");
        async Task FailsAsync(int code, string expected, params string[] arguments)
        {
            var result = await program.RunHereAsync(["redraw", .. arguments]);
            Assert.Equal((code, ""), (result.ExitCode, result.Output));
            Assert.Contains(expected, result.Error, StringComparison.Ordinal);
        }

        await FailsAsync(1, "There is no job 99.", "99", "--compare");
        await FailsAsync(1, "Job 1 is queued and has no image", "1", "--compare");
        await FailsAsync(2, "--compare, or --out FILE", "1");
        await RunAsync(program, "worker", "--exit-when-idle");
        await database.SqlAsync($"update {database.Schema}.models set sha256 = repeat('0', 64)");
        await FailsAsync(1, "is another than the one it was drawn with", "1", "--compare");
    }

    // Puts another image of the same recipe in the place of a recorded one, and records its digest.
    private static async Task ForgeAsync(TestDatabase database, string path, long id, Action<byte[]> change, int? threads = null)
    {
        var image = ImageEncoder.Decode(await File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken));
        var recipe = RecipeReader.Read(path);
        change(image.Rgb);
        var file = ImageEncoder.Encode(
            new RenderedImage(id, image.WidthPixels, image.HeightPixels, image.Rgb), ImageFormat.Png,
            recipe with { Threads = threads ?? recipe.Threads });
        await File.WriteAllBytesAsync(path, file, TestContext.Current.CancellationToken);
        var digest = Convert.ToHexStringLower(SHA256.HashData(file));
        await database.SqlAsync(string.Create(
            CultureInfo.InvariantCulture, $"update {database.Schema}.images set sha256 = '\\x{digest}' where job_id = {id}"));
    }

    private static Task<byte[]> BytesAsync(string path) => File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken);

    private static async Task<ProgramUnderTest> ProgramAsync(TestDatabase database)
    {
        var program = new ProgramUnderTest(database);
        await RunAsync(program, "models", "add", Path.Combine(RepositoryPaths.Models, "demo"), "--name", "demo");
        return program;
    }

    private static async Task<string> PathAsync(TestDatabase database, ProgramUnderTest program, long id) => Path.Combine(
        program.DataFolder, "images", (await database.Catalog.FindAsync(id, TestContext.Current.CancellationToken))!.Image!.RelativePath);

    private static async Task<ProgramResult> RunAsync(ProgramUnderTest program, params string[] arguments)
    {
        var result = await program.RunHereAsync(arguments);
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        return result;
    }
}
