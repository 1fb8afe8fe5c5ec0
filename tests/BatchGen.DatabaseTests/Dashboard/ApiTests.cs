using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using BatchGen.Core.Rendering;
using BatchGen.Core.Jobs;
using BatchGen.Testing;
using Xunit;

namespace BatchGen.DatabaseTests.Dashboard;

/// <summary>The HTTP API on a real database: what each role may do, and what the filters find.</summary>
[Collection(DashboardHost.OneAtATime)]
public sealed class ApiTests
{
    [Theory]
    [InlineData("", "9 8 7 6 5 4 3 2 1")]
    [InlineData("text=STAR", "7 4 1")]
    [InlineData("tag=blue", "9 6 3")]
    [InlineData("campaign=night", "5 4 3 2 1")]
    [InlineData("state=cancelled", "4 2")]
    [InlineData("signature=demo%7Cink@1", "8 5 2")]
    [InlineData("campaign=night&text=star", "4 1")]
    [InlineData("campaign=night&text=star&state=queued", "1")]
    [InlineData("campaign=night&tag=blue", "3")]
    [InlineData("campaign=night&signature=demo%7Cink@1&state=cancelled", "2")]
    [InlineData("signature=demo%7Cink@1&state=queued&text=o", "8 5")]
    [InlineData("tag=blue&signature=demo%7C", "9 6 3")]
    [InlineData("tag=blue&text=100%25", "6")]
    [InlineData("text=100_", "")]
    [InlineData("tag=none", "")]
    [InlineData("before=4&limit=2", "3 2")]
    public async Task Filters_of_the_job_list_hold_together(string query, string expected)
    {
        await using var site = await SiteAsync();
        using var client = await site.Dashboard.ClientAsync("viewer");
        Assert.Equal(expected, await IdsAsync(client, "/api/v1/jobs?" + query));
    }

    [Fact]
    public async Task Pages_of_a_tenants_jobs_follow_each_other_past_jobs_of_other_tenants()
    {
        await using var site = await SiteAsync();
        await site.Database.SqlAsync("insert into tenants (name) values ('shop')");
        await site.Database.Submitter.SubmitJsonAsync("""[{"prompt":"a shop star","campaign":"shop"}]""", "shop", CancellationToken.None);
        await site.Database.SubmitAsync("ink", "ink");
        using var client = await site.Dashboard.ClientAsync("submitter", "shop");
        var seen = new List<long>();
        for (long? before = null; ;)
        {
            var page = await client.GetFromJsonAsync<JsonElement>(
                $"/api/v1/jobs?state=queued&limit=2{(before is null ? "" : $"&before={before}")}");
            seen.AddRange(page.GetProperty("jobs").EnumerateArray().Select(job => job.GetProperty("id").GetInt64()));
            if (!page.TryGetProperty("next_before", out var next)) break;
            before = next.GetInt64();
        }

        Assert.Equal([10L], seen);
        Assert.Equal("10", await IdsAsync(client, "/api/v1/jobs?text=star"));
        Assert.Equal("10", await IdsAsync(client, "/api/v1/jobs"));
    }

    [Fact]
    public async Task An_unknown_state_is_refused_with_the_list_of_states()
    {
        await using var site = await SiteAsync();
        using var client = await site.Dashboard.ClientAsync("viewer");
        using var answer = await client.GetAsync("/api/v1/jobs?state=done");
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Contains("'done' is not a state of jobs; use", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    [CoversRoute("POST /api/v1/workers/{id:guid}/{order}")]
    public async Task Only_operators_give_orders_to_workers()
    {
        await using var site = await SiteAsync();
        var worker = await site.Database.AddWorkerAsync();
        using var client = await site.Dashboard.ClientAsync("operator");
        foreach (var role in (string[])["viewer", "submitter"])
        {
            using var other = await site.Dashboard.ClientAsync(role, role == "submitter" ? "default" : null);
            using var refused = await other.PostAsync($"/api/v1/workers/{worker}/drain", null);
            Assert.Equal((role, HttpStatusCode.Forbidden), (role, refused.StatusCode));
        }

        Assert.Equal(new(false, false), await OrdersAsync());
        Assert.Equal(new(true, false), await OrdersAsync("pause"));
        Assert.Equal(new(false, false), await OrdersAsync("resume"));
        Assert.Equal(new(false, false, true), await OrdersAsync("canary"));
        Assert.Equal(new(false, false), await OrdersAsync()); // The worker receives an order of a canary once.
        Assert.Equal(new(false, true), await OrdersAsync("drain"));
        using var unknown = await client.PostAsync($"/api/v1/workers/{worker}/dance", null);
        Assert.Equal(HttpStatusCode.BadRequest, unknown.StatusCode);
        Assert.Contains("use pause, resume, drain, canary", await unknown.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        using var missing = await client.PostAsync($"/api/v1/workers/{Guid.NewGuid()}/pause", null);
        Assert.Equal(HttpStatusCode.NotFound, missing.StatusCode);

        async Task<Queue.Workers.WorkerOrders> OrdersAsync(string? order = null)
        {
            if (order is not null)
            {
                using var answer = await client.PostAsync($"/api/v1/workers/{worker}/{order}", null);
                Assert.Equal(order, (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("order").GetString());
            }

            return await site.Database.Workers.HeartbeatAsync(worker, default, CancellationToken.None);
        }
    }

    [Fact]
    public async Task The_OpenAPI_document_names_every_call_and_every_filter()
    {
        await using var site = await SiteAsync();
        using var client = await site.Dashboard.ClientAsync("viewer");
        var document = await client.GetFromJsonAsync<JsonElement>("/openapi/v1.json");
        var calls = document.GetProperty("paths").EnumerateObject()
            .SelectMany(path => path.Value.EnumerateObject().Select(call => $"{call.Name} {path.Name}")).Order(StringComparer.Ordinal);
        Assert.Equal(
        [
            "get /api/v1/adapters", "get /api/v1/campaigns", "get /api/v1/campaigns/{name}", "get /api/v1/counts", "get /api/v1/events",
            "get /api/v1/events/jobs", "get /api/v1/jobs", "get /api/v1/jobs/{id}",
            "get /api/v1/jobs/{id}/image", "get /api/v1/models", "get /api/v1/results", "get /api/v1/workers", "post /api/v1/jobs",
            "post /api/v1/jobs/cancel", "post /api/v1/jobs/retry", "post /api/v1/start-images",
            "post /api/v1/workers/{id}/{order}",
        ], calls);
        var filters = document.GetProperty("paths").GetProperty("/api/v1/jobs").GetProperty("get").GetProperty("parameters")
            .EnumerateArray().Select(parameter => parameter.GetProperty("name").GetString()!);
        Assert.Equal(["before", "campaign", "limit", "signature", "state", "tag", "text"], filters.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task The_OpenAPI_document_describes_key_header_body_and_answers_of_submitting()
    {
        await using var site = await SiteAsync();
        using var client = await site.Dashboard.ClientAsync("viewer");
        var document = await client.GetFromJsonAsync<JsonElement>("/openapi/v1.json");
        Assert.Equal("bearer",
            document.GetProperty("components").GetProperty("securitySchemes").GetProperty("key").GetProperty("scheme").GetString());
        Assert.Equal(["key"], document.GetProperty("security").EnumerateArray().SelectMany(requirement => requirement.EnumerateObject())
            .Select(scheme => scheme.Name));
        foreach (var path in document.GetProperty("paths").EnumerateObject())
        {
            foreach (var call in path.Value.EnumerateObject())
                Assert.True(call.Value.GetProperty("responses").TryGetProperty("401", out _)
                    && call.Value.GetProperty("responses").TryGetProperty("403", out _), $"{call.Name} {path.Name} lacks 401 or 403");
        }

        var submit = document.GetProperty("paths").GetProperty("/api/v1/jobs").GetProperty("post");
        Assert.Equal(["201", "400", "401", "403", "413", "415", "429", "503"],
            submit.GetProperty("responses").EnumerateObject().Select(response => response.Name).Order(StringComparer.Ordinal));
        var header = Assert.Single(submit.GetProperty("parameters").EnumerateArray());
        Assert.Equal(("Idempotency-Key", "header"), (header.GetProperty("name").GetString(), header.GetProperty("in").GetString()));
        var body = submit.GetProperty("requestBody").GetProperty("content");
        Assert.Equal(
            ["application/json", "application/x-ndjson"], body.EnumerateObject().Select(type => type.Name).Order(StringComparer.Ordinal));
        var forms = body.GetProperty("application/json").GetProperty("schema").GetProperty("oneOf");
        Assert.Equal("#/components/schemas/JobRequest", forms[0].GetProperty("$ref").GetString());
        Assert.Equal(("array", "#/components/schemas/JobRequest"),
            (forms[1].GetProperty("type").GetString(), forms[1].GetProperty("items").GetProperty("$ref").GetString()));
    }

    [Fact]
    public async Task The_OpenAPI_document_types_the_fields_of_jobs_as_they_are_declared()
    {
        await using var site = await SiteAsync();
        using var client = await site.Dashboard.ClientAsync("viewer");
        var document = await client.GetFromJsonAsync<JsonElement>("/openapi/v1.json");
        var schemas = document.GetProperty("components").GetProperty("schemas");
        var request = schemas.GetProperty("JobRequest").GetProperty("properties");
        var submitted = JobFields.All.Where(field => field.IsSetBy(JobFieldWays.Json)).Select(field => field.Name);
        Assert.Equal(submitted, request.EnumerateObject().Select(property => property.Name));
        Assert.Equal(("integer", 20, 1000),
            (request.GetProperty("steps").GetProperty("type").GetString(), request.GetProperty("steps").GetProperty("default").GetInt32(),
                request.GetProperty("steps").GetProperty("maximum").GetInt32()));
        Assert.Equal("number", request.GetProperty("guidance_scale").GetProperty("type").GetString());
        Assert.Equal(
            SamplerNames.All, request.GetProperty("sampler").GetProperty("enum").EnumerateArray().Select(name => name.GetString()!));
        var view = schemas.GetProperty("JobView").GetProperty("properties");
        Assert.All(JobFields.Recipe, field => Assert.True(view.TryGetProperty(field.Name, out _), field.Name));
    }

    private static async Task<string> IdsAsync(HttpClient client, string path)
    {
        var page = await client.GetFromJsonAsync<JsonElement>(path);
        return string.Join(' ', page.GetProperty("jobs").EnumerateArray().Select(job => job.GetProperty("id").GetInt64()));
    }

    // Nine jobs: every third draws a star, every third uses the adapter ink, every third has the tag blue;
    // the first five belong to a campaign, and 2 and 4 are cancelled.
    private static async Task<Started> SiteAsync()
    {
        var database = await TestDatabase.CreateAsync();
        await database.AddModelAsync();
        await database.AddAdaptersAsync("ink");
        await database.Submitter.SubmitAsync(Enumerable.Range(1, 9).Select(i => new JobRequest
        {
            Prompt = (i % 3) switch { 1 => $"a Star {i}", 2 => $"a moon {i}", _ => i == 6 ? "100% blue" : "blue" },
            Adapters = i % 3 == 2 ? [new("ink", 1m)] : [], Tags = i % 3 == 0 ? ["blue"] : null,
            Campaign = i <= 5 ? "night" : null,
        }).ToArray(), CancellationToken.None);
        await database.Actions.CancelAsync([2, 4], CancellationToken.None);
        return new Started(database, await DashboardHost.StartAsync(database));
    }

    private sealed record Started(TestDatabase Database, DashboardHost Dashboard) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            await Dashboard.DisposeAsync();
            await Database.DisposeAsync();
        }
    }
}
