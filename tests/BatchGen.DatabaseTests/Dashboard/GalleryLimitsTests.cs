using System.Globalization;
using System.IO.Compression;
using System.Net;
using System.Text.RegularExpressions;
using BatchGen.Core.Failures;
using BatchGen.Core.Jobs;
using BatchGen.Dashboard;
using BatchGen.Dashboard.Pages.Gallery;
using BatchGen.Queue.Claims;
using BatchGen.Queue.Reports;
using BatchGen.Testing;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace BatchGen.DatabaseTests.Dashboard;

/// <summary>The gallery where a look cannot reach everything: nothing that was drawn is left out without a word.</summary>
[Collection(DashboardHost.OneAtATime)]
public sealed partial class GalleryLimitsTests
{
    [Fact]
    public async Task The_first_pictures_of_a_large_campaign_are_shown_and_zipped()
    {
        await using var database = await DatabaseAsync();
        await database.Submitter.SubmitManyAsync(Enumerable.Range(0, 10_001).Select(_ => new JobRequest { Campaign = "large" }), null, CancellationToken.None);
        await database.Submitter.SubmitAsync([new JobRequest { Campaign = "other", Priority = 1 }], CancellationToken.None);
        var worker = await database.AddWorkerAsync();
        await database.FinishAsync((await database.ClaimAsync(worker))!); // The other campaign's, above all ids of this one.
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
    public async Task A_day_of_many_small_batches_is_zipped_to_its_end()
    {
        await using var database = await DatabaseAsync();
        await database.Submitter.SubmitAsync(Enumerable.Range(0, 300).Select(_ => new JobRequest()).ToArray(), CancellationToken.None);
        var worker = await database.AddWorkerAsync();
        while (await database.ClaimAsync(worker, 1) is { } batch) await database.FinishAsync(batch);
        await using var dashboard = await DashboardHost.StartAsync(database);
        await SaveFilesAsync(database, dashboard);
        using var client = await dashboard.ClientAsync();
        await database.SqlAsync("update batches set claimed_at = '2026-01-31T12:00Z'"); // One day, however late it is.
        Assert.Equal(Enumerable.Range(1, 300).Reverse().Select(id => $"{id}.png"), await ZipAsync(client, "/gallery/zip?day=2026-01-31"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)] // Their pictures were there once, and were put back by a checkpoint.
    public async Task Many_batches_without_pictures_do_not_hide_those_before_them(bool putBack)
    {
        await using var database = await DatabaseAsync();
        await database.Submitter.SubmitAsync(Enumerable.Range(0, 251).Select(_ => new JobRequest()).ToArray(), CancellationToken.None);
        var worker = await database.AddWorkerAsync();
        await database.FinishAsync((await database.ClaimAsync(worker, 1))!);
        while (await database.ClaimAsync(worker, 1) is { } batch)
        {
            if (putBack) await database.CompleteAsync(batch);
            else await database.Claims.FailAsync(batch, [new FailedJob(batch.Jobs[0].JobId, FailureCode.Adapter, "no such file")], CancellationToken.None);
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
    public async Task A_zip_that_lacks_pictures_says_so()
    {
        await using var database = await DatabaseAsync();
        await database.Submitter.SubmitAsync(Enumerable.Range(0, 7).Select(_ => new JobRequest()).ToArray(), CancellationToken.None);
        await database.FinishAsync((await database.ClaimAsync(await database.AddWorkerAsync()))!);
        await using var dashboard = await DashboardHost.StartAsync(database);
        await SaveFilesAsync(database, dashboard);
        File.Delete(Path.Combine(dashboard.Folder, "images", "2026", "6.png"));
        Assert.Equal(["7.png", "5.png", "4.png", "3.png", PictureZip.MissingEntry], await WriteAsync(4));
        Assert.Equal(["7.png", "5.png", "4.png", "3.png", "2.png", "1.png", PictureZip.MissingEntry], await WriteAsync(6));
        await File.WriteAllBytesAsync(Path.Combine(dashboard.Folder, "images", "2026", "6.png"), [1]);
        Assert.Equal(["7.png", "6.png", "5.png", "4.png", "3.png", "2.png", "1.png"], await WriteAsync(7));

        async Task<IEnumerable<string>> WriteAsync(int maxPictures)
        {
            using var file = new MemoryStream();
            await PictureZip.WriteAsync(file, new ImageFilter(), maxPictures, new ImageCatalog(database.Queue), dashboard.Services.GetRequiredService<DashboardFolders>(), CancellationToken.None);
            await using var zip = new ZipArchive(file, ZipArchiveMode.Read);
            if (zip.GetEntry(PictureZip.MissingEntry) is { } note)
            {
                using var reader = new StreamReader(await note.OpenAsync());
                var text = await reader.ReadToEndAsync();
                Assert.Contains("Jobs: 6", text, StringComparison.Ordinal);
                Assert.Equal(maxPictures == 4, text.Contains("the newest 4 pictures", StringComparison.Ordinal));
            }

            return zip.Entries.Select(entry => entry.Name).ToArray();
        }
    }

    private static async Task<int[]> ShownAsync(HttpClient client, string address) =>
        Thumbnail().Matches(await client.GetStringAsync(address)).Select(match => int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture)).ToArray();

    private static async Task<IEnumerable<string>> ZipAsync(HttpClient client, string address)
    {
        using var answer = await client.GetAsync(address);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        await using var zip = new ZipArchive(await answer.Content.ReadAsStreamAsync(), ZipArchiveMode.Read);
        return zip.Entries.Select(entry => entry.Name).ToArray();
    }

    // A file for each picture that the test recorded without drawing it.
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
