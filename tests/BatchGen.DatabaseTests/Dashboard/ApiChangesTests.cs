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
