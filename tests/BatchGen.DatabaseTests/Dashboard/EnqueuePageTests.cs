using System.Globalization;
using System.Net;
using BatchGen.Core.Jobs;
using BatchGen.Queue.Reports;
using BatchGen.Testing;
using Xunit;

namespace BatchGen.DatabaseTests.Dashboard;

/// <summary>The enqueue page: what its form takes, keeps and refuses.</summary>
[Collection(DashboardHost.OneAtATime)]
public sealed class EnqueuePageTests
{
    [Fact]
    [CoversRoute("POST /enqueue")]
    public async Task The_enqueue_form_takes_more_than_a_thousand_adapters()
    {
        await using var database = await DatabaseAsync();
        await database.SqlAsync("""
            insert into adapters (name, path, sha256, size_bytes, format, algorithm)
            select 'a' || i, '/adapters/a' || i, lpad(i::text, 64, '0'), 1, 'kohya', 'lora' from generate_series(1, 1100) i
            """);
        await using var dashboard = await DashboardHost.StartAsync(database);
        using var client = await dashboard.ClientAsync();
        var (status, page) = await client.SendAsync(
            await client.GetStringAsync("/enqueue"), "/enqueue", ("prompt", "a star"), ("strength:a1100", "0.5"), ("action", "submit"));
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Contains("Submitted job 1.", page, StringComparison.Ordinal);
        Assert.Equal("demo|a1100@0.5", (await database.Catalog.FindAsync(1, CancellationToken.None))!.Recipe.Signature.ToString());
    }

    [Theory]
    [InlineData("again")]
    [InlineData("vary")]
    public async Task Again_and_vary_keep_tenant_deadline_and_attempts_of_the_job(string how)
    {
        await using var database = await DatabaseAsync();
        await database.SqlAsync("insert into tenants (name) values ('acme')");
        // To the second, because the field of the form carries no fractions.
        var deadline = DateTimeOffset.FromUnixTimeSeconds(DashboardHost.Now.ToUnixTimeSeconds()).AddDays(1);
        await database.Submitter.SubmitAsync(
            [new JobRequest { Prompt = "a star", Deadline = deadline, MaxAttempts = 7 }], "acme", CancellationToken.None);
        await using var dashboard = await DashboardHost.StartAsync(database, options => options.TimeZone = "Asia/Tokyo");
        using var client = await dashboard.ClientAsync();
        var (status, page) = await client.SendAsync(
            await client.GetStringAsync($"/enqueue?{how}=1"), "/enqueue", ("count", "1"), ("action", "submit"));
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Contains("Submitted job 2.", page, StringComparison.Ordinal);
        var extras = (await new JobHistory(database.Queue).FindExtrasAsync(2, CancellationToken.None))!;
        Assert.Equal(("acme", deadline, 7),
            (extras.Tenant, extras.Deadline, (await database.Catalog.FindAsync(2, CancellationToken.None))!.MaxAttempts));
    }

    [Fact]
    public async Task Again_leaves_out_a_deadline_that_has_passed()
    {
        await using var database = await DatabaseAsync();
        await database.SubmitAsync("");
        await database.SqlAsync("update jobs set deadline = now() - interval '1 hour'");
        await using var dashboard = await DashboardHost.StartAsync(database);
        using var client = await dashboard.ClientAsync();
        var (_, page) = await client.SendAsync(await client.GetStringAsync("/enqueue?again=1"), "/enqueue", ("action", "submit"));
        Assert.Contains("Submitted job 2.", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_job_for_an_unknown_tenant_is_refused_beside_the_tenant_field()
    {
        await using var database = await DatabaseAsync();
        await using var dashboard = await DashboardHost.StartAsync(database);
        using var client = await dashboard.ClientAsync();
        var (status, page) = await client.SendAsync(
            await client.GetStringAsync("/enqueue"), "/enqueue", ("tenant", "nobody"), ("action", "submit"));
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains("id=\"problem-tenant\"", page, StringComparison.Ordinal);
        Assert.Equal(0, (await database.Catalog.CountAsync(null, CancellationToken.None)).Total);
    }

    [Fact]
    [CoversRoute("POST /enqueue/list")]
    public async Task Times_in_forms_and_lists_are_read_in_the_zone_in_which_they_are_shown()
    {
        await using var database = await DatabaseAsync();
        await using var dashboard = await DashboardHost.StartAsync(database,
            options => options.TimeZone = TimeZoneInfo.Local.BaseUtcOffset == TimeSpan.FromHours(9) ? "America/Lima" : "Asia/Tokyo");
        using var client = await dashboard.ClientAsync();
        var form = await client.GetStringAsync("/enqueue");
        var (_, page) = await client.SendAsync(form, "/enqueue", ("run_at", "2099-01-31T22:00"), ("action", "submit"));
        Assert.Contains("Submitted job 1.", page, StringComparison.Ordinal);
        (_, page) = await client.SendAsync(form, "/enqueue/list", ("list", "prompt,run_at\na,2099-01-31T22:00"), ("action", "submit"));
        Assert.Contains("Submitted job 2.", page, StringComparison.Ordinal);
        for (var id = 1; id <= 2; id++)
            Assert.Contains("2099-01-31 22:00", await client.GetStringAsync(string.Create(CultureInfo.InvariantCulture, $"/jobs/{id}")),
                StringComparison.Ordinal);
    }

    private static async Task<TestDatabase> DatabaseAsync()
    {
        var database = await TestDatabase.CreateAsync();
        await database.AddModelAsync();
        return database;
    }
}
