using System.Globalization;
using System.IO.Compression;
using System.Net;
using System.Text.RegularExpressions;
using BatchGen.Core.Failures;
using BatchGen.Core.Jobs;
using BatchGen.Dashboard;
using BatchGen.Dashboard.Images;
using BatchGen.Queue.Claims;
using BatchGen.Queue.Reports;
using BatchGen.Testing;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace BatchGen.DatabaseTests.Dashboard;

/// <summary>The gallery where one query cannot reach everything: no image is left out without a note.</summary>
[Collection(DashboardHost.OneAtATime)]
public sealed partial class GalleryLimitsTests
{
    [Fact]
    public async Task The_first_images_of_a_large_campaign_are_shown_and_zipped()
    {
        await using var database = await DatabaseAsync();
        await database.Submitter.SubmitManyAsync(
            Enumerable.Range(0, 10_001).Select(_ => new JobRequest { Campaign = "large" }), null, CancellationToken.None);
        await database.Submitter.SubmitAsync([new JobRequest { Campaign = "other", Priority = 1 }], CancellationToken.None);
        var worker = await database.AddWorkerAsync();
        // The job of the other campaign: its id is above all ids of this one.
        await database.FinishAsync((await database.ClaimAsync(worker))!);
        await database.FinishAsync((await database.ClaimAsync(worker, 10))!);
        await using var dashboard = await DashboardHost.StartAsync(database);
        await SaveFilesAsync(database, dashboard);
        using var client = await dashboard.ClientAsync();

        var drawn = Enumerable.Range(1, 10).Reverse().ToArray();
        Assert.Equal(drawn, await ShownAsync(client, "/gallery?campaign=large"));
        Assert.Equal(drawn.Select(id => $"{id}.png"), await ZipAsync(client, "/gallery/zip?campaign=large"));
        var beside = await new ImageCatalog(database.Queue).FindNeighboursAsync(new(Campaign: "large"), 2, 5, CancellationToken.None);
        Assert.Equal((6L, 4L), (beside.Newer, beside.Older));
    }

    [Fact]
    public async Task A_zip_of_a_day_with_many_small_batches_holds_all_images()
    {
        await using var database = await DatabaseAsync();
        await database.Submitter.SubmitAsync(Enumerable.Range(0, 300).Select(_ => new JobRequest()).ToArray(), CancellationToken.None);
        var worker = await database.AddWorkerAsync();
        while (await database.ClaimAsync(worker, 1) is { } batch) await database.FinishAsync(batch);
        await using var dashboard = await DashboardHost.StartAsync(database);
        await SaveFilesAsync(database, dashboard);
        using var client = await dashboard.ClientAsync();
        await database.SqlAsync("update batches set claimed_at = '2026-01-31T12:00Z'"); // All on one day, whatever time it is now.
        Assert.Equal(Enumerable.Range(1, 300).Reverse().Select(id => $"{id}.png"), await ZipAsync(client, "/gallery/zip?day=2026-01-31"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)] // Their images were there once, and a checkpoint requeued their jobs.
    public async Task Images_are_found_before_many_batches_without_images(bool requeued)
    {
        await using var database = await DatabaseAsync();
        await database.Submitter.SubmitAsync(Enumerable.Range(0, 251).Select(_ => new JobRequest()).ToArray(), CancellationToken.None);
        var worker = await database.AddWorkerAsync();
        await database.FinishAsync((await database.ClaimAsync(worker, 1))!);
        while (await database.ClaimAsync(worker, 1) is { } batch)
        {
            if (requeued) await database.CompleteAsync(batch);
            else
                await database.Claims.FailAsync(
                    batch, [new FailedJob(batch.Jobs[0].JobId, FailureCode.Adapter, "no such file")], CancellationToken.None);
            await database.Claims.CloseAsync(batch, CancellationToken.None);
        }

        await database.SqlAsync("delete from images where job_id > 1");
        await using var dashboard = await DashboardHost.StartAsync(database);
        await SaveFilesAsync(database, dashboard);
        using var client = await dashboard.ClientAsync();
        Assert.Equal(1, Assert.Single(await ShownAsync(client, "/gallery")));
        Assert.Equal("1.png", Assert.Single(await ZipAsync(client, "/gallery/zip")));
    }

    [Fact]
    public async Task A_zip_that_lacks_images_holds_a_note_that_says_so()
    {
        await using var database = await DatabaseAsync();
        await database.Submitter.SubmitAsync(Enumerable.Range(0, 7).Select(_ => new JobRequest()).ToArray(), CancellationToken.None);
        await database.FinishAsync((await database.ClaimAsync(await database.AddWorkerAsync()))!);
        await using var dashboard = await DashboardHost.StartAsync(database);
        await SaveFilesAsync(database, dashboard);
        File.Delete(Path.Combine(dashboard.Folder, "images", "2026", "6.png"));
        Assert.Equal(["7.png", "5.png", "4.png", "3.png", ImageZip.MissingEntry], await WriteAsync(4));
        Assert.Equal(["7.png", "5.png", "4.png", "3.png", "2.png", "1.png", ImageZip.MissingEntry], await WriteAsync(6));
        await File.WriteAllBytesAsync(Path.Combine(dashboard.Folder, "images", "2026", "6.png"), [1]);
        Assert.Equal(["7.png", "6.png", "5.png", "4.png", "3.png", "2.png", "1.png"], await WriteAsync(7));

        async Task<IEnumerable<string>> WriteAsync(int maxImages)
        {
            using var file = new MemoryStream();
            await ImageZip.WriteAsync(file, new ImageFilter(), maxImages, new ImageCatalog(database.Queue),
                dashboard.Services.GetRequiredService<DashboardFolders>(), CancellationToken.None);
            await using var zip = new ZipArchive(file, ZipArchiveMode.Read);
            if (zip.GetEntry(ImageZip.MissingEntry) is { } note)
            {
                using var reader = new StreamReader(await note.OpenAsync());
                var text = await reader.ReadToEndAsync();
                Assert.Contains("Jobs: 6", text, StringComparison.Ordinal);
                Assert.Equal(maxImages == 4, text.Contains("the newest 4 images", StringComparison.Ordinal));
            }

            return zip.Entries.Select(entry => entry.Name).ToArray();
        }
    }

    private static async Task<int[]> ShownAsync(HttpClient client, string address) =>
        Thumbnail().Matches(await client.GetStringAsync(address))
            .Select(match => int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture)).ToArray();

    private static async Task<IEnumerable<string>> ZipAsync(HttpClient client, string address)
    {
        using var answer = await client.GetAsync(address);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        await using var zip = new ZipArchive(await answer.Content.ReadAsStreamAsync(), ZipArchiveMode.Read);
        return zip.Entries.Select(entry => entry.Name).ToArray();
    }

    // A file for each image that the test recorded without drawing it.
    private static async Task SaveFilesAsync(TestDatabase database, DashboardHost dashboard)
    {
        foreach (var path in await database.SqlAsync<string[]>("select array_agg(path) from images") ?? [])
        {
            var file = Path.Combine(dashboard.Folder, "images", path);
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            await File.WriteAllBytesAsync(file, [1]);
        }
    }

    private static async Task<TestDatabase> DatabaseAsync()
    {
        var database = await TestDatabase.CreateAsync();
        await database.AddModelAsync();
        return database;
    }

    [GeneratedRegex("/images/([0-9]+)/thumbnail")]
    private static partial Regex Thumbnail();
}
