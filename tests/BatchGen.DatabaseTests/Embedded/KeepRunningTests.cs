using System.Diagnostics;
using BatchGen.Queue.Embedded;
using BatchGen.Testing;
using Npgsql;
using Xunit;

namespace BatchGen.DatabaseTests.Embedded;

/// <summary>A private server that dies while a program uses it is started again.</summary>
public sealed class KeepRunningTests(ClusterTemplate template) : IClassFixture<ClusterTemplate>, IAsyncLifetime
{
    private readonly string _folder = Path.Combine(Path.GetTempPath(), "batchgen-keep-" + Guid.NewGuid().ToString("N")[..8]);
    private readonly RecordedLog _log = new();

    public async ValueTask InitializeAsync()
    {
        using var copy = Process.Start("cp", ["-a", template.Folder, _folder]);
        await copy.WaitForExitAsync();
    }

    public async ValueTask DisposeAsync() => await EmbeddedCluster.RemoveAsync(_folder, CancellationToken.None);

    [Fact]
    public async Task A_server_that_was_killed_is_started_again_and_answers_at_the_same_address()
    {
        await using var server = await StartAsync();
        await using var keeping = new Keeping(server);
        var killed = Kill(server);

        await Wait.UntilAsync(
            "another server runs",
            () => Task.FromResult(server.ServerProcessId),
            id => id is { } running && running != killed,
            cancellationToken: TestContext.Current.CancellationToken);
        await _log.UntilAsync("runs again", TestContext.Current.CancellationToken);
        await AssertAnswersAsync(server);
    }

    [Fact]
    public async Task A_server_that_cannot_be_started_again_is_tried_until_it_can_and_each_failure_is_one_line()
    {
        await using var server = await StartAsync();
        var settings = Path.Combine(_folder, "server", "data", "postgresql.conf");
        File.Move(settings, settings + ".gone");
        await using var keeping = new Keeping(server);
        Kill(server);
        await _log.UntilAsync("not be started again; it is tried again in 4 s: The database in", TestContext.Current.CancellationToken);
        Assert.All(_log.Lines, line => Assert.DoesNotContain('\n', line));

        File.Move(settings + ".gone", settings);
        await _log.UntilAsync("runs again", TestContext.Current.CancellationToken);
        await AssertAnswersAsync(server);
    }

    private Task<EmbeddedPostgres> StartAsync() =>
        EmbeddedPostgres.StartAsync(_folder, new EmbeddedPostgresOptions { Fsync = false }, _log, TestContext.Current.CancellationToken);

    private static int Kill(EmbeddedPostgres server)
    {
        var id = server.ServerProcessId!.Value;
        using var process = Process.GetProcessById(id);
        process.Kill();
        return id;
    }

    private static async Task AssertAnswersAsync(EmbeddedPostgres server)
    {
        await using var connection = new NpgsqlConnection(server.ConnectionString + ";Pooling=false");
        await connection.OpenAsync(TestContext.Current.CancellationToken);
    }

    private sealed class Keeping : IAsyncDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly Task _loop;

        public Keeping(EmbeddedPostgres server) => _loop = server.KeepRunningAsync(TimeProvider.System, _stop.Token);

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await _loop;
            _stop.Dispose();
        }
    }
}
