using System.Net;
using BatchGen.Core.Jobs;
using BatchGen.DatabaseTests.Worker;
using BatchGen.Imaging;
using BatchGen.Queue.Reports;
using BatchGen.Testing;
using Xunit;

namespace BatchGen.DatabaseTests.Dashboard;

/// <summary>The gallery: neighbours inside a list, and thumbnails.</summary>
[Collection(DashboardHost.OneAtATime)]
public sealed class GalleryTests
{
    [Fact]
    public async Task Newer_and_older_follow_the_order_of_every_filtered_list()
    {
        await using var database = await DatabaseAsync();
        await database.Submitter.SubmitAsync(
            Enumerable.Range(0, 12).Select(i =>
                new JobRequest { Prompt = $"{i}", Adapters = i % 2 == 0 ? [new("a", 1m)] : [], Campaign = i % 3 == 0 ? "third" : "other" })
                .ToArray(), CancellationToken.None);
        var worker = await database.AddWorkerAsync();
        while (await database.ClaimAsync(worker, 4) is { } batch) await database.FinishAsync(batch);
        var images = new ImageCatalog(database.Queue);
        foreach (var filter in (ImageFilter[])
            [
                new(), new(Signature: "demo|a@1"), new(Campaign: "third"), new(Campaign: "third", Signature: "demo|a@1"),
                new(From: DashboardHost.Now.AddDays(-1), To: DashboardHost.Now.AddDays(1)),
                new(Campaign: "other", From: DashboardHost.Now.AddDays(-1)),
            ])
        {
            var list = (await images.ListAsync(filter, CancellationToken.None)).Images;
            Assert.NotEmpty(list);
            for (var i = 0; i < list.Count; i++)
            {
                var beside = await images.FindNeighboursAsync(filter, list[i].BatchId, list[i].JobId, CancellationToken.None);
                Assert.Equal((filter, i, i == 0 ? null : list[i - 1].JobId, i + 1 == list.Count ? null : (long?)list[i + 1].JobId),
                    (filter, i, beside.Newer, beside.Older));
            }
        }

        Assert.Equal(2, (await images.ListAsync(new(Campaign: "third", Signature: "demo|a@1"), CancellationToken.None)).Images.Count);
        Assert.Empty(
            (await images.ListAsync(new(Campaign: "third", To: DashboardHost.Now.AddDays(-1)), CancellationToken.None)).Images);
    }

    [Fact]
    public async Task A_large_image_gets_a_thumbnail_once_and_a_small_one_is_served_as_it_is()
    {
        await using var database = await DatabaseAsync();
        await database.Submitter.SubmitAsync(
            [new JobRequest { Prompt = "large", Width = 640, Height = 512, Seed = 200 },
                new JobRequest { Prompt = "small", Width = 64, Height = 64, Seed = 100 }],
            CancellationToken.None);
        await using var dashboard = await DashboardHost.StartAsync(database);
        await using (var worker = await WorkerHost.StartAsync(
            database, new FakeRenderer(), imageFolder: Path.Combine(dashboard.Folder, "images")))
            await worker.WaitForEndAsync();
        using var client = await dashboard.ClientAsync();

        var thumbnail = await client.GetAsync("/images/1/thumbnail");
        Assert.Equal("image/webp", thumbnail.Content.Headers.ContentType?.MediaType);
        var small = ImageEncoder.Decode(await thumbnail.Content.ReadAsByteArrayAsync());
        Assert.Equal((320, 256), (small.WidthPixels, small.HeightPixels));
        Assert.All(small.Rgb, value => Assert.InRange(value, 197, 203)); // Grey 200, compressed with loss.
        var file = Assert.Single(Directory.GetFiles(Path.Combine(dashboard.Folder, "thumbnails"), "*", SearchOption.AllDirectories));
        var written = File.GetLastWriteTimeUtc(file);
        using var again = new HttpRequestMessage(HttpMethod.Get, "/images/1/thumbnail");
        again.Headers.IfNoneMatch.Add(thumbnail.Headers.ETag!);
        Assert.Equal(HttpStatusCode.NotModified, (await client.SendAsync(again)).StatusCode);
        Assert.Equal(written, File.GetLastWriteTimeUtc(file));

        Assert.Equal(await client.GetByteArrayAsync("/images/2"), await client.GetByteArrayAsync("/images/2/thumbnail"));
        Assert.Contains("/images/1/thumbnail", await client.GetStringAsync("/gallery"), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.NotFound, (await client.GetAsync("/images/3/thumbnail")).StatusCode);
    }

    [Fact]
    public async Task An_image_that_cannot_be_decoded_is_served_as_it_is_instead_of_a_thumbnail()
    {
        await using var database = await DatabaseAsync();
        await database.Submitter.SubmitAsync([new JobRequest { Prompt = "large", Width = 640, Height = 512 }], CancellationToken.None);
        await using var dashboard = await DashboardHost.StartAsync(database);
        var images = Path.Combine(dashboard.Folder, "images");
        await using (var worker = await WorkerHost.StartAsync(database, new FakeRenderer(), imageFolder: images))
            await worker.WaitForEndAsync();
        await File.WriteAllTextAsync(Directory.GetFiles(images, "*.png", SearchOption.AllDirectories).Single(), "not an image");
        using var client = await dashboard.ClientAsync();
        Assert.Equal("not an image", await client.GetStringAsync("/images/1/thumbnail"));
        Assert.False(Directory.Exists(Path.Combine(dashboard.Folder, "thumbnails")));
    }

    private static async Task<TestDatabase> DatabaseAsync()
    {
        var database = await TestDatabase.CreateAsync(new Queue.QueueOptions { PollInterval = TimeSpan.FromMilliseconds(50) });
        await database.AddModelAsync();
        await database.AddAdaptersAsync("a");
        return database;
    }
}
