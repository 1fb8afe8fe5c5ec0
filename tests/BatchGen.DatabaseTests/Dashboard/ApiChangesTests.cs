using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json;
using BatchGen.Core.Jobs;
using BatchGen.Imaging;
using BatchGen.Testing;
using Xunit;

namespace BatchGen.DatabaseTests.Dashboard;

/// <summary>Calls of the HTTP API that change something beside submitting.</summary>
[Collection(DashboardHost.OneAtATime)]
public sealed class ApiChangesTests
{
    [Fact]
    [CoversRoute("POST /api/v1/jobs/cancel")]
    public async Task Cancel_cancels_jobs_of_the_callers_tenant_only()
    {
        await using var database = await DatabaseAsync();
        await database.SqlAsync("insert into tenants (name) values ('shop')");
        await database.Submitter.SubmitAsync([new JobRequest(), new JobRequest()], "shop", CancellationToken.None);
        await database.SubmitAsync("");
        await using var dashboard = await DashboardHost.StartAsync(database);
        using var client = await dashboard.ClientAsync("submitter", "shop");
        Assert.Equal((long[])[2], await ChangeAsync(client, "/api/v1/jobs/cancel", 2, 3));
        Assert.Equal([JobState.Queued, JobState.Cancelled, JobState.Queued], await StatesAsync(database));
    }

    [Fact]
    [CoversRoute("POST /api/v1/jobs/retry")]
    public async Task Retry_requeues_cancelled_jobs_and_leaves_waiting_ones_alone()
    {
        await using var database = await DatabaseAsync();
        await database.SubmitAsync("", "", "");
        await database.Actions.CancelAsync([1, 2], CancellationToken.None);
        await using var dashboard = await DashboardHost.StartAsync(database);
        using var client = await dashboard.ClientAsync("operator");
        Assert.Equal((long[])[1], await ChangeAsync(client, "/api/v1/jobs/retry", 1, 3));
        Assert.Equal([JobState.Queued, JobState.Cancelled, JobState.Queued], await StatesAsync(database));
    }

    [Fact]
    [CoversRoute("POST /api/v1/start-images")]
    public async Task A_start_image_is_kept_under_the_name_that_the_answer_gives()
    {
        await using var database = await DatabaseAsync();
        await using var dashboard = await DashboardHost.StartAsync(database);
        using var client = await dashboard.ClientAsync("submitter", "default");
        var file = ImageEncoder.Encode(new PixelImage(16, 8, new byte[16 * 8 * 3]), ImageFormat.Png);
        using var content = new ByteArrayContent(file);
        content.Headers.ContentType = new("image/png");
        using var answer = await client.PostAsync("/api/v1/start-images", content, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        var kept = await answer.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
        var name = kept.GetProperty("name").GetString()!;
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(file)) + ".png", name);
        Assert.Equal((16, 8), (kept.GetProperty("width").GetInt32(), kept.GetProperty("height").GetInt32()));
        Assert.Equal(file,
            await File.ReadAllBytesAsync(Path.Combine(dashboard.Folder, "start-images", name), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_start_image_that_is_sent_belongs_to_the_tenant_of_the_key_and_counts_towards_its_quota()
    {
        await using var database = await DatabaseAsync();
        await database.SqlAsync("insert into tenants (name) values ('studio'), ('rival')");
        var file = ImageEncoder.Encode(new PixelImage(16, 8, new byte[16 * 8 * 3]), ImageFormat.Png);
        database.Queue.Options.StartImageQuotaBytes = file.Length;
        await using var dashboard = await DashboardHost.StartAsync(database);
        using var studio = await dashboard.ClientAsync("submitter", "studio");
        using var rival = await dashboard.ClientAsync("submitter", "rival");
        var (status, kept) = await SendAsync(studio, file);
        Assert.Equal(HttpStatusCode.Created, status);

        var job = new { prompt = "a", start_image = kept.GetProperty("name").GetString() };
        using var own = await studio.PostAsJsonAsync("/api/v1/jobs", job, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.Created, own.StatusCode);
        using var foreign = await rival.PostAsJsonAsync("/api/v1/jobs", job, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.BadRequest, foreign.StatusCode);
        Assert.Contains("was sent by another tenant", await foreign.Content.ReadAsStringAsync(TestContext.Current.CancellationToken),
            StringComparison.Ordinal);

        var (beyond, refusal) = await SendAsync(studio, ImageEncoder.Encode(new PixelImage(8, 8, new byte[8 * 8 * 3]), ImageFormat.Png));
        Assert.Equal(HttpStatusCode.BadRequest, beyond);
        Assert.Contains($"may have {file.Length} ", refusal.GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.Single(Directory.GetFiles(Path.Combine(dashboard.Folder, "start-images")));
        Assert.Equal(HttpStatusCode.Created, (await SendAsync(rival, file)).Status);
    }

    [Fact]
    public async Task A_start_image_that_cannot_be_decoded_is_refused_when_it_is_sent()
    {
        await using var database = await DatabaseAsync();
        await using var dashboard = await DashboardHost.StartAsync(database);
        using var client = await dashboard.ClientAsync("submitter", "default");
        var (status, refusal) = await SendAsync(
            client, ImageEncoder.Encode(new PixelImage(64, 64, new byte[64 * 64 * 3]), ImageFormat.Png)[..40]);
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains("cannot be decoded", refusal.GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(dashboard.Folder, "start-images")));
        Assert.Equal(0L, await database.SqlAsync<long>("select count(*) from start_images"));
    }

    [Fact]
    public async Task A_start_image_that_cannot_be_written_takes_no_quota()
    {
        await using var database = await DatabaseAsync();
        await using var dashboard = await DashboardHost.StartAsync(database);
        using var client = await dashboard.ClientAsync("submitter", "default");
        var folder = Path.Combine(dashboard.Folder, "start-images");
        await File.WriteAllTextAsync(folder, "a file in the place of the folder", TestContext.Current.CancellationToken);
        var file = ImageEncoder.Encode(new PixelImage(8, 8, new byte[8 * 8 * 3]), ImageFormat.Png);
        Assert.Equal(HttpStatusCode.BadRequest, (await SendAsync(client, file)).Status);
        Assert.Equal(0L, await database.SqlAsync<long>("select count(*) from start_images"));

        File.Delete(folder);
        Assert.Equal(HttpStatusCode.Created, (await SendAsync(client, file)).Status);
        Assert.Equal(1L, await database.SqlAsync<long>("select count(*) from start_images"));
    }

    private static async Task<(HttpStatusCode Status, JsonElement Answer)> SendAsync(HttpClient client, byte[] file)
    {
        using var content = new ByteArrayContent(file);
        content.Headers.ContentType = new("image/png");
        using var answer = await client.PostAsync("/api/v1/start-images", content, TestContext.Current.CancellationToken);
        return (answer.StatusCode, await answer.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken));
    }

    private static async Task<long[]> ChangeAsync(HttpClient client, string path, params long[] ids)
    {
        using var answer = await client.PostAsJsonAsync(path, new { job_ids = ids }, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        var changed = await answer.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
        return changed.GetProperty("job_ids").EnumerateArray().Select(id => id.GetInt64()).ToArray();
    }

    private static async Task<IEnumerable<JobState>> StatesAsync(TestDatabase database) =>
        (await database.Catalog.FindAsync([1, 2, 3], CancellationToken.None)).Select(job => job.State);

    private static async Task<TestDatabase> DatabaseAsync()
    {
        var database = await TestDatabase.CreateAsync();
        await database.AddModelAsync();
        return database;
    }
}
