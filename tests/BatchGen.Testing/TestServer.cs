using System.Globalization;
using BatchGen.Queue;
using BatchGen.Queue.Embedded;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace BatchGen.Testing;

/// <summary>The PostgreSQL server that tests use: the one BATCHGEN_TEST_DB names, else a private one of this process.</summary>
public static class TestServer
{
    private const string Prefix = "batchgen-tests-";
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);
    private static readonly SemaphoreSlim Turn = new(1, 1);
    private static string? _address;
    private static QueueException? _missing;
    private static string? _folder;

    /// <summary>How the superuser of the private server connects; null before it runs and where the server was given.</summary>
    public static string? SuperUserAddress { get; private set; }

    /// <summary>Connection string of the server; starts the private one at the first call.</summary>
    /// <remarks>Without server programs the test is skipped on a desk and fails where CI=true.</remarks>
    public static async Task<string> GetAddressAsync()
    {
        await Turn.WaitAsync();
        try
        {
            if (_missing is null) return _address ??= await StartAsync();
        }
        catch (QueueException error)
        {
            _missing = error;
        }
        finally
        {
            Turn.Release();
        }

        var mustRun = string.Equals(Environment.GetEnvironmentVariable("CI"), "true", StringComparison.OrdinalIgnoreCase);
        // The prefix makes xunit count the test as skipped.
        throw new InvalidOperationException((mustRun ? "" : "$XunitDynamicSkip$") + _missing.Message, _missing);
    }

    /// <summary>Stops and removes the private server, if it was started.</summary>
    internal static Task EndAsync() => _folder is null ? Task.CompletedTask : RemoveAsync(_folder);

    private static async Task<string> StartAsync()
    {
        if (Environment.GetEnvironmentVariable("BATCHGEN_TEST_DB") is { Length: > 0 } given) return given;
        await RemoveLeftoversAsync();
        var folder = Path.Combine(Path.GetTempPath(), Prefix + Environment.ProcessId.ToString(CultureInfo.InvariantCulture));
        using var limit = new CancellationTokenSource(Limit);
        var server = await EmbeddedPostgres.StartAsync(
            folder, new EmbeddedPostgresOptions { Fsync = false }, NullLogger.Instance, limit.Token);
        _folder = folder;
        // For a run that does not come to the fixture TestServerEnd.
#pragma warning disable VSTHRD002 // The process is ending: nothing can be awaited any more.
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Task.Run(() => RemoveAsync(folder)).Wait(Limit);
#pragma warning restore VSTHRD002
        SuperUserAddress = new NpgsqlConnectionStringBuilder(server.ConnectionString)
        {
            Username = "postgres", Database = "postgres", Password = ClusterFolder.Find(folder, Cluster.Port)!.FindSuperUserPassword(),
        }.ConnectionString;
        return server.ConnectionString;
    }

    private static async Task RemoveAsync(string folder)
    {
        using var limit = new CancellationTokenSource(Limit);
        await EmbeddedCluster.RemoveAsync(folder, limit.Token);
    }

    // Removes the servers of test processes that were killed.
    private static async Task RemoveLeftoversAsync()
    {
        foreach (var folder in Directory.EnumerateDirectories(Path.GetTempPath(), Prefix + "*"))
        {
            var isNamedByProcess = int.TryParse(
                Path.GetFileName(folder)[Prefix.Length..], NumberStyles.Integer, CultureInfo.InvariantCulture, out var id);
            if (!isNamedByProcess || Directory.Exists($"/proc/{id}") || !Directory.Exists("/proc/self")) continue;
            try
            {
                await RemoveAsync(folder);
            }
            catch (IOException)
            {
                // Another test process is removing it.
            }
        }
    }
}
