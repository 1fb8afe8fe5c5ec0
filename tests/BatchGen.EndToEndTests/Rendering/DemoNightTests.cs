using System.Globalization;
using System.Security.Cryptography;
using BatchGen.Core.Jobs;
using BatchGen.Imaging;
using BatchGen.Imaging.Recipes;
using BatchGen.Testing;
using Xunit;

namespace BatchGen.EndToEndTests.Rendering;

/// <summary>Real workers render with the demo model; faults are put into weights and files.</summary>
public sealed class DemoNightTests
{
    private const string Prompt = "a big red circle on a blue background";

    [Fact]
    public async Task Every_job_ends_in_a_verified_image_with_its_recipe_inside()
    {
        await using var night = await DemoNight.CreateAsync();
        var ids = await night.SubmitAsync(
            (Prompt, "demo-neon", 1), (Prompt, "", 2), ("a yellow star on a purple background", "demo-striped", 3), ("", "demo-neon", 4),
            (Prompt, "", 5));
        var outcome = await night.WorkAsync();
        Assert.Null(outcome.Failure);
        foreach (var id in ids)
        {
            var job = await night.JobAsync(id);
            Assert.Equal(JobState.Succeeded, job.State);
            Assert.NotNull(job.Image!.VerifiedAt);
            var path = Path.Combine(night.ImageFolder, job.Image.RelativePath);
            var bytes = await File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken);
            Assert.Equal((job.Image.Sha256, job.Image.SizeBytes), (Convert.ToHexStringLower(SHA256.HashData(bytes)), bytes.LongLength));
            var recipe = RecipeReader.Read(path);
            Assert.Equal((id, job.Recipe.Prompt, job.Recipe.Seed.ToString(CultureInfo.InvariantCulture), job.Recipe.Signature.ToString()),
                (recipe.JobId, recipe.TextOf(JobFields.Prompt), recipe.TextOf(JobFields.Seed), recipe.Signature));
            Assert.Equal(job.Recipe.Signature.Adapters.Select(adapter => adapter.Name), recipe.Adapters.Select(adapter => adapter.Name));
            Assert.All(recipe.Adapters, adapter => Assert.Equal(64, adapter.Sha256.Length));
            Assert.True(ImageEncoder.Decode(bytes).Rgb.Distinct().Count() > 20, "the image is one colour");
        }

        Assert.Equal((3, 0), await CheckpointsAsync(night));
    }

    [Fact]
    public async Task An_image_does_not_depend_on_its_neighbours_or_on_what_was_fused_before()
    {
        await using var crowd = await DemoNight.CreateAsync();
        var among = await crowd.SubmitAsync(
            (Prompt, "demo-pixel", 9), (Prompt, "demo-neon", 1), ("a green tree on a meadow", "demo-neon", 2), (Prompt, "demo-neon", 7));
        await crowd.WorkAsync();
        await using var solo = await DemoNight.CreateAsync();
        var alone = await solo.SubmitAsync((Prompt, "demo-neon", 7));
        await solo.WorkAsync();
        // Once rendered in a batch of three, once alone.
        var left = ImageEncoder.Decode(
            await File.ReadAllBytesAsync(await crowd.PathOfAsync(among[3]), TestContext.Current.CancellationToken));
        var right = ImageEncoder.Decode(
            await File.ReadAllBytesAsync(await solo.PathOfAsync(alone[0]), TestContext.Current.CancellationToken));
        Assert.Equal(left.Rgb, right.Rgb);
    }

    [Theory]
    [InlineData("webp", ".webp")]
    [InlineData("jpeg", ".jpg")]
    public async Task WebP_and_JPEG_images_carry_the_recipe(string format, string extension)
    {
        await using var night = await DemoNight.CreateAsync();
        var ids = await night.Database.Submitter.SubmitAsync(
            [DemoNight.Request(Prompt, "", 1) with { Format = format }], TestContext.Current.CancellationToken);
        await night.WorkAsync();
        var path = await night.PathOfAsync(ids[0]);
        Assert.Equal(extension, Path.GetExtension(path));
        Assert.Equal(Prompt, RecipeReader.Read(path).TextOf(JobFields.Prompt));
    }

    [Fact]
    public async Task A_flipped_bit_in_a_base_tensor_is_found_and_named_its_tensor_reloaded_and_its_images_rendered_again()
    {
        (string, string, long)[] jobs = [(Prompt, "", 1), (Prompt, "", 2), (Prompt, "demo-neon", 3)];
        await using var clean = await DemoNight.CreateAsync();
        var expected = await clean.SubmitAsync(jobs);
        await clean.WorkAsync();

        await using var night = await DemoNight.CreateAsync();
        var ids = await night.SubmitAsync(jobs);
        const string Damaged = "unet/mid_block.resnets.0.conv1.weight";
        var outcome = await night.WorkAsync(renderer => new BitFlippingRenderer(renderer, Damaged));
        Assert.Null(outcome.Failure);
        var checkpoints = await night.Database.Checkpoints.ListAsync(10, TestContext.Current.CancellationToken);
        Assert.Equal(["drifted", "restored"], checkpoints.Reverse().Take(2).Select(checkpoint => checkpoint.Verdict));
        Assert.Equal([Damaged], checkpoints[^1].DriftedTensors);
        Assert.NotEqual(checkpoints[^1].ExpectedDigest, checkpoints[^1].ActualDigest);
        Assert.Equal(checkpoints[0].ExpectedDigest, checkpoints[0].ActualDigest);
        for (var i = 0; i < ids.Count; i++)
        {
            var job = await night.JobAsync(ids[i]);
            Assert.Equal((JobState.Succeeded, 1), (job.State, job.Attempts));
            Assert.NotNull(job.Image!.VerifiedAt);
            Assert.Equal(await PixelsAsync(clean, expected[i]), await PixelsAsync(night, ids[i]));
        }
    }

    [Fact]
    public async Task Jobs_of_a_model_whose_file_changed_on_disk_wait_until_it_is_as_registered_and_other_models_go_on()
    {
        using var copy = new ModelCopy(Path.Combine(RepositoryPaths.Models, "demo"));
        await using var night = await DemoNight.CreateAsync();
        await night.AddModelAsync(copy.Path, "copy");
        var good = await night.SubmitAsync((Prompt, "", 1));
        var bad = await night.Database.Submitter.SubmitAsync(
            [DemoNight.Request(Prompt, "", 1) with { Model = "copy" }], TestContext.Current.CancellationToken);
        var file = copy.Combine("unet", "diffusion_pytorch_model.safetensors");
        await FlipLastByteAsync(file);
        Assert.Null((await night.WorkAsync()).Failure);
        await AssertWaitsAsync(night, bad[0], "changed since it was registered");
        Assert.Equal(JobState.Succeeded, (await night.JobAsync(good[0])).State);

        // The same bit again gives the registered file.
        await FlipLastByteAsync(file);
        Assert.Null((await night.WorkAsync()).Failure);
        Assert.Equal((JobState.Succeeded, 1), ((await night.JobAsync(bad[0])).State, (await night.JobAsync(bad[0])).Attempts));
    }

    [Fact]
    public async Task Jobs_of_an_adapter_cut_short_after_it_was_registered_wait_until_it_is_whole_and_the_others_go_on()
    {
        using var adapters = new ModelCopy(Path.Combine(RepositoryPaths.Models, "demo-adapters"));
        await using var night = await DemoNight.CreateAsync(adapters: Directory.EnumerateFiles(adapters.Path, "*.safetensors"));
        var ids = await night.SubmitAsync((Prompt, "demo-neon", 1), (Prompt, "demo-pixel", 1));
        var path = adapters.Combine("demo-neon.safetensors");
        var whole = await File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken);
        await using (var file = File.Open(path, FileMode.Open)) file.SetLength(file.Length / 2);
        Assert.Null((await night.WorkAsync()).Failure);
        await AssertWaitsAsync(night, ids[0], "demo-neon.safetensors");
        Assert.Equal(JobState.Succeeded, (await night.JobAsync(ids[1])).State);

        await File.WriteAllBytesAsync(path, whole, TestContext.Current.CancellationToken);
        Assert.Null((await night.WorkAsync()).Failure);
        Assert.Equal((JobState.Succeeded, 1), ((await night.JobAsync(ids[0])).State, (await night.JobAsync(ids[0])).Attempts));
    }

    // Not charged, and its history says what the machine lacked.
    private static async Task AssertWaitsAsync(DemoNight night, long id, string reason)
    {
        var job = await night.JobAsync(id);
        Assert.Equal((JobState.Queued, 0), (job.State, job.Attempts));
        Assert.Contains(reason, await night.Database.SqlAsync<string>(
            "select message from job_attempts where job_id = $1 and not counted order by id desc limit 1", id), StringComparison.Ordinal);
    }

    private static async Task<byte[]> PixelsAsync(DemoNight night, long id) =>
        ImageEncoder.Decode(await File.ReadAllBytesAsync(await night.PathOfAsync(id), TestContext.Current.CancellationToken)).Rgb;

    private static async Task FlipLastByteAsync(string path)
    {
        await using var file = File.Open(path, FileMode.Open);
        file.Position = file.Length - 1;
        var last = file.ReadByte();
        file.Position = file.Length - 1;
        file.WriteByte((byte)(last ^ 1));
    }

    private static async Task<(long Passed, long Drifted)> CheckpointsAsync(DemoNight night)
    {
        var counts = await night.Database.Checkpoints.CountAsync(TestContext.Current.CancellationToken);
        return (counts.Passed, counts.Drifted);
    }
}
