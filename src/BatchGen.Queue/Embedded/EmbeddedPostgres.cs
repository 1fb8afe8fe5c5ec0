using Microsoft.Extensions.Logging;
using Npgsql;

namespace BatchGen.Queue.Embedded;

/// <summary>A private PostgreSQL cluster in a folder, run from the server programs installed on this machine.</summary>
/// <remarks>
/// Several programs may use one cluster at once: each holds a shared lock on a file beside it while it does, and the last one to leave
/// stops the server. A server left behind by a killed program is found again.
/// The server listens on a socket only. As root the server runs as an unprivileged user; where that user cannot enter the folder, cluster
/// and socket are kept under /var/lib/batchgen instead, and the file LOCATION in the folder says where.
/// </remarks>
public sealed class EmbeddedPostgres : IAsyncDisposable
{
    // How often it is looked whether the server runs, and the waits between starts that failed.
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestDelay = TimeSpan.FromSeconds(15);

    // A start may take two minutes where the server recovers from a crash, and the creation of a cluster before it one more.
    private static readonly TimeSpan StartLockLimit = TimeSpan.FromMinutes(5);

    private readonly string _folder;
    private readonly Cluster _cluster;
    private readonly EmbeddedPostgresOptions _options;
    private readonly ILogger _logger;

    // The shared lock that says this program uses the server; null once it has left.
    private FileStream? _use;

    private EmbeddedPostgres(
        string folder, Cluster cluster, EmbeddedPostgresOptions options, FileStream use, string connectionString, ILogger logger)
    {
        (_folder, _cluster, _options, _use, _logger) = (folder, cluster, options, use, logger);
        ConnectionString = connectionString;
    }

    /// <summary>How to connect to the database.</summary>
    public string ConnectionString { get; }

    /// <summary>Process id of the server, or null when none runs.</summary>
    internal int? ServerProcessId => _cluster.RunningServer();

    /// <summary>Creates the cluster if there is none, and starts its server if none runs.</summary>
    /// <param name="folder">Folder that holds cluster, socket, log and password.</param>
    /// <param name="logger">Where start and stop are logged.</param>
    /// <param name="cancellationToken">Gives up waiting for the server.</param>
    /// <exception cref="QueueException">
    /// There are no server programs, the cluster is of another version or damaged, its socket is taken, another program keeps the lock of
    /// its start, or the server does not start: says which and what to do.
    /// </exception>
    public static Task<EmbeddedPostgres> StartAsync(string folder, ILogger logger, CancellationToken cancellationToken) =>
        StartAsync(folder, new EmbeddedPostgresOptions(), logger, cancellationToken);

    /// <summary>Creates the cluster if there is none, and starts its server with some options if none runs.</summary>
    /// <param name="folder">Folder that holds cluster, socket, log and password.</param>
    /// <param name="options">How the server is run.</param>
    /// <param name="logger">Where start and stop are logged.</param>
    /// <param name="cancellationToken">Gives up waiting for the server.</param>
    /// <inheritdoc cref="StartAsync(string, ILogger, CancellationToken)" path="/exception"/>
    public static async Task<EmbeddedPostgres> StartAsync(
        string folder, EmbeddedPostgresOptions options, ILogger logger, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (OperatingSystem.IsWindows())
            throw new QueueException(
                "The embedded database runs on Linux and macOS. On Windows, install PostgreSQL and set ConnectionStrings__BatchGen.");
        folder = Path.GetFullPath(folder);
        try
        {
            await PrivateFolder.EnsureOwnAsync(folder, cancellationToken);
            return await StartLockedAsync(folder, options, logger, cancellationToken);
        }
        catch (Exception error) when (error is UnauthorizedAccessException or IOException)
        {
            throw new QueueException($"The database folder {folder} cannot be used by this user: {error.Message} "
                + "Use the user that made it, another folder, or set ConnectionStrings__BatchGen.", error);
        }
    }

    /// <summary>Starts the server again whenever it has ended, until cancelled; a start that fails is tried again after a growing
    /// delay.</summary>
    /// <param name="clock">Measures the waits.</param>
    /// <param name="cancellationToken">Ends it; the server is left as it is.</param>
    public async Task KeepRunningAsync(TimeProvider clock, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(clock);
        var delay = LookInterval;
        while (!cancellationToken.IsCancellationRequested)
        {
            await Task.Delay(delay, clock, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            try
            {
                if (!cancellationToken.IsCancellationRequested) await ReviveAsync(cancellationToken);
                delay = LookInterval;
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
#pragma warning disable CA1031 // A loop that goes on whatever happens: without the server nothing else can.
            catch (Exception error)
#pragma warning restore CA1031
            {
                delay = delay * 2 < LongestDelay ? delay * 2 : LongestDelay;
                Log.ServerNotRevived(_logger, _folder, delay.TotalSeconds, error.Message);
            }
        }
    }

    private async Task ReviveAsync(CancellationToken cancellationToken)
    {
        if (_cluster.RunningServer() is not null)
        {
            await _cluster.PruneLogAsync(cancellationToken);
            return;
        }

        await using var turn = await FileLocks.LockAsync(StartLockOf(_folder), StartLockLimit, _logger, cancellationToken);
        // Another program may have been quicker.
        if (_cluster.RunningServer() is not null) return;
        Log.ServerEnded(_logger, _folder);
        await _cluster.EnsureRunningAsync(_options, cancellationToken);
        Log.ServerRevived(_logger, _folder);
    }

    /// <summary>Stops the server if no other program uses it.</summary>
    public ValueTask DisposeAsync() => LeaveAsync(TimeSpan.FromMinutes(1));

    /// <summary>Stops the server if no other program uses it, or leaves it running when that takes too long.</summary>
    internal async ValueTask LeaveAsync(TimeSpan atMost)
    {
        if (Interlocked.Exchange(ref _use, null) is not { } use) return;
        using var limit = new CancellationTokenSource(atMost);
        try
        {
            await using var turn = await FileLocks.LockAsync(StartLockOf(_folder), StartLockLimit, _logger, limit.Token);
            await use.DisposeAsync();
            // An exclusive lock can be had only when no other program holds the shared one.
            if (!FileLocks.TryLock(UsersLockOf(_folder), out var alone)) return;
            await using (alone)
            {
                NpgsqlConnection.ClearAllPools();
                await _cluster.StopAsync(limit.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // The command that used the server has done its work and must not look interrupted. The next program finds the server running.
            Log.ServerDidNotStop(_logger, _folder, $"not within {atMost}; the next program to leave it stops it");
        }
        finally
        {
            await use.DisposeAsync();
        }
    }

    // One program at a time starts or stops the server; that this one uses it is visible to others before the next takes its turn.
    private static async Task<EmbeddedPostgres> StartLockedAsync(
        string folder, EmbeddedPostgresOptions options, ILogger logger, CancellationToken cancellationToken)
    {
        await using var turn = await FileLocks.LockAsync(StartLockOf(folder), StartLockLimit, logger, cancellationToken);
        var use = FileLocks.LockShared(UsersLockOf(folder));
        try
        {
            var cluster = await Cluster.OpenAsync(folder, logger, cancellationToken);
            return new EmbeddedPostgres(
                folder, cluster, options, use, await cluster.EnsureRunningAsync(options, cancellationToken), logger);
        }
        catch
        {
            await use.DisposeAsync();
            throw;
        }
    }

    private static string StartLockOf(string folder) => Path.Combine(folder, "start.lock");

    private static string UsersLockOf(string folder) => Path.Combine(folder, "users.lock");
}

/// <summary>How an embedded server is run.</summary>
public sealed class EmbeddedPostgresOptions
{
    /// <value>Whether commits reach the disk before they are confirmed; true. False is for tests only: a power cut
    /// destroys the database.</value>
    public bool Fsync { get; set; } = true;
}
