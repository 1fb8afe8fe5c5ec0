using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;
using BatchGen.EndToEndTests.Browser;
using BatchGen.Queue.Embedded;
using BatchGen.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Xunit;

namespace BatchGen.EndToEndTests.Commands;

/// <summary><c>batchgen up</c> stops at once and in order, whatever is open.</summary>
public sealed partial class UpTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [SuccessOf("up")]
    public async Task Stopping_waits_for_the_worker_and_not_for_open_pages(bool byCtrlC)
    {
        // Only the name of its schema is used: the program runs its private server.
        await using var database = await TestDatabase.CreateAsync();
        await using var program = Program(database);
        program.Environment["ConnectionStrings__BatchGen"] = "";
        var folder = Path.Combine(program.DataFolder, "postgres");
        try
        {
            await RunAsync(program, "models", "add", Path.Combine(RepositoryPaths.Models, "demo"), "--name", "demo");
            await RunAsync(program, "submit", "--prompt", "a green tree on a meadow", "--width", "64", "--height", "64", "--count", "4",
                "--seed", "1", "--steps", "1000");
            var up = program.Start("up", "--verbose");
            using var client = await ClientAsync(program);
            await Wait.UntilAsync(
                "a job runs",
                () => client.GetFromJsonAsync<JsonElement>("/api/v1/counts", TestContext.Current.CancellationToken),
                counts => counts.GetProperty("running").GetInt64() > 0,
                Limit,
                TestContext.Current.CancellationToken);
            using var live = await client.GetAsync(
                "/live", HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
            using var events = await client.GetAsync(
                "/api/v1/events", HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);

            if (byCtrlC)
                up.Interrupt(WorkerProcess().Matches(up.Error)
                    .Select(match => int.Parse(match.Groups["id"].Value, System.Globalization.CultureInfo.InvariantCulture)));
            else up.AskToStop();
            var ended = await up.WaitAsync(Limit);

            Assert.Equal(130, ended.ExitCode);
            Assert.Single(WorkerProcess().Matches(ended.Error));
            var (workerStopped, databaseStopped) = (ended.Error.IndexOf("Worker stopped", StringComparison.Ordinal),
                ended.Error.IndexOf("Stopped PostgreSQL", StringComparison.Ordinal));
            Assert.True(workerStopped >= 0 && databaseStopped > workerStopped, ended.Error);
            await using var again = await EmbeddedPostgres.StartAsync(folder, NullLogger.Instance, TestContext.Current.CancellationToken);
            await using var connection = NpgsqlDataSource.Create(again.ConnectionString + ";Search Path=" + database.Schema);
            Assert.Equal(4L, await ScalarAsync(connection, "select count(*) from jobs where state = 'queued' and attempts = 0"));
            Assert.Equal(1L, await ScalarAsync(connection, "select count(*) from workers where stopped_at is not null"));
        }
        finally
        {
            await EmbeddedCluster.RemoveAsync(folder, CancellationToken.None);
        }
    }

    [Fact]
    public async Task A_private_server_that_was_killed_is_started_again_and_the_night_goes_on()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var program = Program(database);
        program.Environment["ConnectionStrings__BatchGen"] = "";
        var folder = Path.Combine(program.DataFolder, "postgres");
        try
        {
            await RunAsync(program, "models", "add", Path.Combine(RepositoryPaths.Models, "demo"), "--name", "demo");
            var up = program.Start("up");
            using var client = await ClientAsync(program);
            await Wait.UntilAsync("the worker has started", () => up.Error.Contains("started on", StringComparison.Ordinal), Limit,
                TestContext.Current.CancellationToken);
            var server = ServerOf(folder);
            using (var process = System.Diagnostics.Process.GetProcessById(server)) process.Kill();
            await Wait.UntilAsync("PostgreSQL runs again", () => up.Error.Contains("runs again", StringComparison.Ordinal), Limit,
                TestContext.Current.CancellationToken);
            Assert.NotEqual(server, ServerOf(folder));

            await RunAsync(program, "submit", "--prompt", "a green tree on a meadow", "--width", "64", "--height", "64", "--steps", "2",
                "--campaign", "after");
            await RunAsync(program, "watch", "after");
            up.AskToStop();
            Assert.Equal(130, (await up.WaitAsync(Limit)).ExitCode);
        }
        finally
        {
            await EmbeddedCluster.RemoveAsync(folder, CancellationToken.None);
        }
    }

    // The server's files lie elsewhere, and LOCATION says where, when its user cannot enter the folder.
    private static int ServerOf(string folder)
    {
        var location = Path.Combine(folder, "LOCATION");
        var home = File.Exists(location) ? File.ReadAllText(location).Trim() : Path.Combine(folder, "server");
        return int.Parse(
            File.ReadLines(Path.Combine(home, "data", "postmaster.pid")).First(), System.Globalization.CultureInfo.InvariantCulture);
    }

    [Fact]
    public async Task A_transfer_that_goes_on_does_not_hold_up_the_stop()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var program = Program(database);
        var up = program.Start("up", "--no-worker");
        using var client = await ClientAsync(program);
        using var jobs = new EndlessJobs();
        var submitting = client.PostAsync("/api/v1/jobs", jobs, TestContext.Current.CancellationToken);
        await Wait.ForAsync("the first lines of the upload were sent", jobs.Flowing, Limit, TestContext.Current.CancellationToken);
        up.AskToStop();
        Assert.Equal(130, (await up.WaitAsync(Limit)).ExitCode);
        await Assert.ThrowsAsync<HttpRequestException>(() => submitting);
    }

    // Workers may take ten minutes to stop; a test that waits for anything else that long fails.
    private static ProgramUnderTest Program(TestDatabase database)
    {
        var program = new ProgramUnderTest(database);
        program.Environment["BatchGen__Dashboard__Url"] = $"http://127.0.0.1:{Site.FreePort()}";
        program.Environment["BatchGen__Worker__StopTimeout"] = "00:10:00";
        program.Environment["BatchGen__Worker__HeartbeatInterval"] = "00:00:00.5";
        return program;
    }

    private static async Task<HttpClient> ClientAsync(ProgramUnderTest program)
    {
        var url = program.Environment["BatchGen__Dashboard__Url"];
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        await Site.WaitUntilUpAsync(url, null, limit.Token);
        return new HttpClient { BaseAddress = new Uri(url), Timeout = Timeout.InfiniteTimeSpan };
    }

    private static async Task RunAsync(ProgramUnderTest program, params string[] arguments)
    {
        var ended = await program.RunAsync(arguments);
        Assert.True(ended.ExitCode == 0, ended.Error);
    }

    private static async Task<object?> ScalarAsync(NpgsqlDataSource connection, string statement)
    {
        await using var command = connection.CreateCommand(statement);
        return await command.ExecuteScalarAsync(TestContext.Current.CancellationToken);
    }

    [GeneratedRegex(@"Worker process \d+ started as process (?<id>\d+)", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex WorkerProcess();

    /// <summary>An upload without end; a line every 50 ms is fast enough for the server's lowest rate.</summary>
    private sealed class EndlessJobs : HttpContent
    {
        private readonly TaskCompletionSource _flowing = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public EndlessJobs() => Headers.ContentType = new("application/x-ndjson");

        /// <summary>Ends when the first lines have left.</summary>
        public Task Flowing => _flowing.Task;

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
            SerializeToStreamAsync(stream, context, CancellationToken.None);

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
        {
            var lines = new byte[4096];
            Array.Fill(lines, (byte)'\n'); // Empty lines are no jobs.
            for (var sent = 0; ; sent++)
            {
                await stream.WriteAsync(lines, cancellationToken);
                await stream.FlushAsync(cancellationToken);
                if (sent == 10) _flowing.TrySetResult();
                await Task.Delay(50, cancellationToken);
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
