using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using BatchGen.Dashboard.Security;
using BatchGen.Queue.Access;
using BatchGen.Testing;
using Npgsql;
using Xunit;

namespace BatchGen.DatabaseTests.Dashboard;

/// <summary>Answers to requests that fail: the right status, all headers, and nothing about the server for strangers.</summary>
[Collection(DashboardHost.OneAtATime)]
public sealed class FailureTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    // Without an account, people on this machine are operators.
    public async Task Every_answer_without_the_database_is_a_503_that_says_so(bool hasAccount)
    {
        await using var database = await TestDatabase.CreateAsync();
        if (hasAccount)
            await new AccessStore(database.Queue)
                .SaveAccountAsync("otto", PasswordHash.Make("operator password"), "operator", CancellationToken.None);
        await using var dashboard = await DashboardHost.StartAsync(database);
        using var client = await dashboard.ClientAsync();
        using var keyed = await dashboard.ClientAsync("operator");
        var token = await DashboardHost.FormTokenAsync(client, "/login");
        await database.SqlAsync($"alter schema {database.Schema} rename to {database.Schema}_away");
        try
        {
            foreach (var (who, path) in new[] { (client, "/jobs"), (client, "/api/v1/jobs"), (keyed, "/jobs"), (keyed, "/api/v1/jobs") })
            {
                using var answer = await who.GetAsync(path, TestContext.Current.CancellationToken);
                // Whether there is an account may have been asked a moment ago: then a client without key is sent to log in
                // without a question to the database.
                if (who == keyed || answer.StatusCode is not (HttpStatusCode.OK or HttpStatusCode.Unauthorized))
                    await AssertUnavailableAsync(answer, hasAccount || who == keyed ? database : null);
            }

            using var form = DashboardHost.Form(token, ("name", "otto"), ("password", "operator password"));
            using var login = await client.PostAsync("/login", form, TestContext.Current.CancellationToken);
            await AssertUnavailableAsync(login, hasAccount ? database : null);
        }
        finally
        {
            await database.SqlAsync($"alter schema {database.Schema}_away rename to {database.Schema}");
        }
    }

    [Fact]
    public async Task Messages_of_the_database_are_shown_to_operators_and_not_to_submitters()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var dashboard = await DashboardHost.StartAsync(database);
        using var client = await dashboard.ClientAsync("operator");
        using var submitter = await dashboard.ClientAsync("submitter", "default");
        await database.SqlAsync("alter table job_recipes rename to job_recipes_away");
        Assert.Contains("batchgen migrate", await (await client.GetAsync("/api/v1/jobs?text=a", TestContext.Current.CancellationToken))
            .Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
        using var answer = await submitter.GetAsync("/api/v1/jobs?text=a", TestContext.Current.CancellationToken);
        await AssertUnavailableAsync(answer, database);
    }

    [Fact]
    public async Task A_submit_while_the_server_holds_no_more_notifications_is_answered_with_503()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddModelAsync();
        await database.SqlAsync(
            """
            create function refuse() returns trigger language plpgsql as $$
            begin
              raise exception using errcode = '54000', message = 'too many notifications in the NOTIFY queue';
            end $$;
            create constraint trigger refuse after insert on jobs deferrable initially deferred for each row execute function refuse();
            """);
        await using var dashboard = await DashboardHost.StartAsync(database);
        using var client = await dashboard.ClientAsync("submitter", "default");
        using var answer = await client.PostAsJsonAsync(
            "/api/v1/jobs", new[] { new { prompt = "a" } }, TestContext.Current.CancellationToken);
        await AssertUnavailableAsync(answer, database);
    }

    [Theory]
    [InlineData("/jobs?text=%00")]
    [InlineData("/api/v1/jobs?text=%00")]
    [InlineData("/api/v1/jobs?campaign=%00")]
    public async Task A_query_value_that_the_database_refuses_is_answered_with_400(string path)
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var dashboard = await DashboardHost.StartAsync(database);
        using var client = await dashboard.ClientAsync("operator");
        using var answer = await client.GetAsync(path, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        AssertHeaders(answer);
        Assert.DoesNotContain(
            "does not answer", await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_form_value_that_the_database_refuses_is_answered_with_400()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddModelAsync();
        await using var dashboard = await DashboardHost.StartAsync(database);
        using var client = await dashboard.ClientAsync();
        using var login = await DashboardHost.PostFormAsync(client, "/login", "/login", ("name", "a\0"), ("password", "x"));
        Assert.Equal(HttpStatusCode.BadRequest, login.StatusCode);
        using var schedule = await DashboardHost.PostFormAsync(
            client, "/campaigns", "/campaigns/schedules", ("name", new string('n', 151)), ("cron", "0 1 * * *"), ("zone", "UTC"),
            ("jobs", """[{"prompt":"a"}]"""));
        Assert.Equal(HttpStatusCode.BadRequest, schedule.StatusCode);
        AssertHeaders(schedule);
    }

    [Theory]
    [InlineData("cancel", "{}")]
    [InlineData("retry", "{}")]
    [InlineData("cancel", """{"jobIds":[1]}""")]
    [InlineData("retry", """{"job_ids":null}""")]
    [InlineData("cancel", "null")]
    public async Task A_call_without_job_ids_is_answered_with_400_and_names_them(string call, string body)
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var dashboard = await DashboardHost.StartAsync(database);
        using var client = await dashboard.ClientAsync("operator");
        using var content = new StringContent(body, new System.Net.Http.Headers.MediaTypeHeaderValue("application/json"));
        using var answer = await client.PostAsync("/api/v1/jobs/" + call, content, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Contains("job_ids",
            (await answer.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken)).GetProperty("detail").GetString(),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_answer_carries_the_security_headers()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var dashboard = await DashboardHost.StartAsync(database);
        using var client = await dashboard.ClientAsync();
        foreach (var path in new[] { "/", "/nowhere", "/api/v1/nowhere", "/app.css", "/hangfire", "/jobs?before=x" })
        {
            using var answer = await client.GetAsync(path, TestContext.Current.CancellationToken);
            AssertHeaders(answer);
        }
    }

    // Where a database is given, the answer must not tell where it is.
    private static async Task AssertUnavailableAsync(HttpResponseMessage answer, TestDatabase? database)
    {
        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        AssertHeaders(answer);
        if (database is null) return;
        var text = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.Contains("The database does not answer", text, StringComparison.Ordinal);
        var builder = new NpgsqlConnectionStringBuilder(database.ConnectionString);
        Assert.DoesNotContain($"{builder.Host}:", text, StringComparison.Ordinal);
    }

    private static void AssertHeaders(HttpResponseMessage answer)
    {
        var path = answer.RequestMessage!.RequestUri!.PathAndQuery;
        Assert.True(answer.Headers.TryGetValues("Content-Security-Policy", out var policy),
            $"{path} ({answer.StatusCode}) has no Content-Security-Policy");
        Assert.StartsWith("default-src 'none'", Assert.Single(policy), StringComparison.Ordinal);
        Assert.True(answer.Headers.TryGetValues("X-Content-Type-Options", out var sniff),
            $"{path} ({answer.StatusCode}) has no X-Content-Type-Options");
        Assert.Equal("nosniff", Assert.Single(sniff));
    }
}
