using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using BatchGen.Queue.Sql;
using Dapper;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace BatchGen.Queue.Embedded;

/// <summary>A private PostgreSQL cluster in a folder, run from the server programs installed on this machine.</summary>
/// <remarks>
/// Several programs may use one cluster at once: each holds a shared lock on a file beside it while it does, and the last one to leave
/// stops the server. A server left behind by a killed program is found again.
/// The server listens on a socket only. As root the server runs as an unprivileged user; where that user cannot enter the folder, cluster and
/// socket are kept under /var/lib/batchgen instead, and the file LOCATION in the folder says where.
/// </remarks>
public sealed class EmbeddedPostgres : IAsyncDisposable
{
    private const string SuperUser = "postgres";
    private const string User = "batchgen";
    private const string Prewarm = "pg_prewarm";

    // EWOULDBLOCK: somebody else holds the lock. .NET keeps the errno in the low word of HResult.
    private const int WouldBlockOnLinux = 11, WouldBlockOnMac = 35;
    private const int Port = 5432; // Names the socket file; no network port is opened.


    private readonly ClusterFolder _folder;
    private readonly ServerPrograms _programs;
    private readonly ServerUser _user;
    private readonly ILogger _logger;
    private FileStream? _use;

    private EmbeddedPostgres(ClusterFolder folder, ServerPrograms programs, ServerUser user, FileStream use, string connectionString, ILogger logger)
    {
        (_folder, _programs, _user, _use, _logger) = (folder, programs, user, use, logger);
        ConnectionString = connectionString;
    }

    /// <summary>How to connect to it.</summary>
    public string ConnectionString { get; }

    /// <summary>Process id of the server.</summary>
    internal int? ServerProcessId => _folder.RunningServer();

    /// <summary>Creates the cluster if there is none, and starts its server if none runs.</summary>
    /// <param name="folder">Folder that holds cluster, socket, log and password.</param>
    /// <param name="logger">Where start and stop are logged.</param>
    /// <param name="cancellationToken">Gives up waiting for the server.</param>
    /// <exception cref="QueueException">No server programs, a cluster of another version, a clash of port or socket, a server that does not start: says which and what to do.</exception>
    public static Task<EmbeddedPostgres> StartAsync(string folder, ILogger logger, CancellationToken cancellationToken) =>
        StartAsync(folder, new EmbeddedPostgresOptions(), logger, cancellationToken);

    /// <summary>Creates the cluster if there is none, and starts its server if none runs.</summary>
    /// <param name="folder">Folder that holds cluster, socket, log and password.</param>
    /// <param name="options">How the server is run.</param>
    /// <param name="logger">Where start and stop are logged.</param>
    /// <param name="cancellationToken">Gives up waiting for the server.</param>
    /// <exception cref="QueueException">As above.</exception>
    public static async Task<EmbeddedPostgres> StartAsync(string folder, EmbeddedPostgresOptions options, ILogger logger, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (OperatingSystem.IsWindows())
            throw new QueueException("The embedded database runs on Linux and macOS. On Windows, install PostgreSQL and set ConnectionStrings__BatchGen.");
        folder = Path.GetFullPath(folder);
        try
        {
            Directory.CreateDirectory(folder);
            var user = await ServerUser.ChooseAsync(cancellationToken);
            // 1. One program at a time starts or stops the server; its use is announced before that ends.
            await using var turn = await LockAsync(Path.Combine(folder, "start.lock"), logger, cancellationToken);
            var use = OpenShared(Path.Combine(folder, "users.lock"));
            try
            {
                var cluster = await ClusterFolder.OpenAsync(folder, Port, user, logger, cancellationToken);
                var programs = await ServerPrograms.FindAsync(cluster.Version, cluster.Data, cancellationToken);
                var connectionString = await EnsureRunningAsync(cluster, programs, user, options, logger, cancellationToken);
                return new EmbeddedPostgres(cluster, programs, user, use, connectionString, logger);
            }
            catch
            {
                await use.DisposeAsync();
                throw;
            }
        }
        catch (Exception error) when (error is UnauthorizedAccessException or IOException)
        {
            throw new QueueException($"The database folder {folder} cannot be used by this user: {error.Message} Use the user that made it, another folder, or set ConnectionStrings__BatchGen.", error);
        }
    }

    /// <summary>Stops the server of a folder, whoever uses it, and deletes the database; harmless when there is none.</summary>
    /// <param name="folder">Folder given to <see cref="StartAsync(string, ILogger, CancellationToken)"/>.</param>
    /// <param name="logger">Where the stop is logged.</param>
    /// <param name="cancellationToken">Gives up waiting for the server.</param>
    public static async Task RemoveAsync(string folder, ILogger logger, CancellationToken cancellationToken)
    {
        folder = Path.GetFullPath(folder);
        if (!Directory.Exists(folder)) return;
        var user = await ServerUser.ChooseAsync(cancellationToken);
        var cluster = await ClusterFolder.OpenAsync(folder, Port, user, logger, cancellationToken);
        if (cluster.RunningServer() is not null)
            await StopAsync(cluster, await ServerPrograms.FindAsync(cluster.Version, cluster.Data, cancellationToken), user, logger, cancellationToken);
        foreach (var owned in new[] { cluster.SocketFolder, cluster.Home, folder }.Where(Directory.Exists)) Directory.Delete(owned, recursive: true);
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
            await using var turn = await LockAsync(Path.Combine(_folder.Folder, "start.lock"), _logger, limit.Token);
            await use.DisposeAsync();
            // Nobody else holds the shared lock when an exclusive one can be had.
            if (!TryLock(Path.Combine(_folder.Folder, "users.lock"), out var alone)) return;
            await using (alone)
            {
                NpgsqlConnection.ClearAllPools();
                await StopAsync(_folder, _programs, _user, _logger, limit.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // The command that used it has done its work, which must not look interrupted. The next program finds the server running.
            Log.ServerDidNotStop(_logger, _folder.Home, $"not within {atMost}; the next to leave it stops it");
        }
        finally
        {
            await use.DisposeAsync();
        }
    }

    private static async Task<string> EnsureRunningAsync(
        ClusterFolder cluster, ServerPrograms programs, ServerUser user, EmbeddedPostgresOptions options, ILogger logger, CancellationToken cancellationToken)
    {
        // 2. A cluster whose creation was interrupted holds nothing yet: start again.
        if (!cluster.IsComplete && Directory.Exists(cluster.Data))
        {
            if (cluster.RunningServer() is not null) await StopAsync(cluster, programs, user, logger, cancellationToken);
            Directory.Delete(cluster.Data, recursive: true);
            Log.UnfinishedClusterRemoved(logger, cluster.Data);
        }

        if (!cluster.IsComplete) await CreateAsync(cluster, programs, user, cancellationToken);
        var password = await cluster.ReadPasswordAsync(cancellationToken);

        // 3. The server
        if (cluster.RunningServer() is not null)
        {
            Log.ServerFound(logger, cluster.Home);
        }
        else
        {
            if (cluster.Version is null)
                throw new QueueException($"The database in {cluster.Data} is damaged: it has no PG_VERSION file. Restore the folder from a backup, or move {cluster.Folder} away to start with an empty database.");
            cluster.RemoveStalePidFile();
            await cluster.WriteSettingsAsync(Settings(cluster, programs, options), cancellationToken);
            await RunServerAsync(cluster, programs, user, cancellationToken);
            Log.ServerStarted(logger, programs.MajorVersion, cluster.Home);
        }

        // 4. Role and database
        if (!cluster.IsComplete)
        {
            await CreateDatabaseAsync(cluster, password, cancellationToken);
            await cluster.MarkCompleteAsync(cancellationToken);
            Log.ClusterCreated(logger, programs.MajorVersion, cluster.Home);
        }

        return ConnectionStringOf(cluster, User, password, User);
    }

    private static async Task CreateAsync(ClusterFolder cluster, ServerPrograms programs, ServerUser user, CancellationToken cancellationToken)
    {
        var password = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(24));
        await cluster.WritePasswordAsync(password, cancellationToken);
        var passwordFile = Path.Combine(cluster.Home, "initdb.password");
        await ClusterFolder.WriteSecretAsync(passwordFile, password, cancellationToken);
        await user.OwnAsync(passwordFile, cancellationToken);
        try
        {
            string[] arguments = ["-D", cluster.Data, "-U", SuperUser, "--auth=scram-sha-256", "--pwfile=" + passwordFile, "-E", "UTF8"];
            // C.UTF-8 knows letters of all scripts and sorts by code point; systems that lack it get C.
            var result = await user.RunAsync(programs["initdb"], [.. arguments, "--locale=C.UTF-8"], cancellationToken);
            if (result is { ExitCode: not 0 } && result.Error.Contains("locale", StringComparison.Ordinal))
                result = await user.RunAsync(programs["initdb"], [.. arguments, "--locale=C"], cancellationToken);
            if (result is not { ExitCode: 0 })
                throw new QueueException($"PostgreSQL could not create a database in {cluster.Data}: {Last(result?.Error)}. Check free space and permissions of the folder.");
        }
        finally
        {
            File.Delete(passwordFile);
        }
    }

    private static async Task RunServerAsync(ClusterFolder cluster, ServerPrograms programs, ServerUser user, CancellationToken cancellationToken)
    {
        var log = Path.Combine(cluster.Home, "server.log");
        ProgramResult? result;
        string said;
        for (var tries = 0; ; tries++)
        {
            var logged = File.Exists(log) ? new FileInfo(log).Length : 0;
            result = await user.RunAsync(programs["pg_ctl"], ["start", "-D", cluster.Data, "-l", log, "-w", "-t", "120", "-s"], cancellationToken);
            if (result is { ExitCode: 0 }) return;
            said = await ReadFromAsync(log, logged, cancellationToken);
            // Processes of a server that was killed take a moment to follow it.
            if (tries == 50 || !said.Contains("is still in use", StringComparison.Ordinal)) break;
            await Task.Delay(200, cancellationToken);
        }

        if (said.Contains("is already in use", StringComparison.Ordinal) || said.Contains("another postmaster", StringComparison.Ordinal) || said.Contains("could not create lock file", StringComparison.Ordinal))
            throw new QueueException($"The socket {cluster.SocketFile(Port)} is taken by another server, or cannot be made there: {Reason(said)}. Stop that server, or remove the file if none runs.");
        // The programs are of the version that PG_VERSION names, so files they cannot read are damaged, not old.
        string[] damage = ["incompatible with server", "invalid", "could not open", "could not read", "could not locate", "corrupt", "PANIC"];
        if (damage.Any(sign => said.Contains(sign, StringComparison.Ordinal)))
            throw new QueueException($"The database in {cluster.Data} is damaged: {Reason(said)}. Restore the folder from a backup, or move {cluster.Folder} away to start with an empty database. The server's log is {log}.");
        throw new QueueException($"PostgreSQL did not start in {cluster.Data}: {Reason(said.Length > 0 ? said : result?.Error ?? "no server program")}. The server's log is {log}.");
    }

    private static async Task StopAsync(ClusterFolder cluster, ServerPrograms programs, ServerUser user, ILogger logger, CancellationToken cancellationToken)
    {
        if (cluster.RunningServer() is null) return;
        var result = await user.RunAsync(programs["pg_ctl"], ["stop", "-D", cluster.Data, "-m", "fast", "-w", "-t", "60", "-s"], cancellationToken);
        if (result is { ExitCode: 0 }) Log.ServerStopped(logger, cluster.Home);
        else Log.ServerDidNotStop(logger, cluster.Home, Last(result?.Error));
    }

    private static async Task CreateDatabaseAsync(ClusterFolder cluster, string password, CancellationToken cancellationToken)
    {
        await using var source = NpgsqlDataSource.Create(ConnectionStringOf(cluster, SuperUser, password, "postgres") + ";Pooling=false");
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        await connection.ExecuteAsync(new CommandDefinition(SqlFiles.Query("set_password_setting"), new { password }, cancellationToken: cancellationToken));
        await connection.ExecuteAsync(new CommandDefinition(SqlFiles.Query("create_embedded_owner"), cancellationToken: cancellationToken));
        if (!await connection.ExecuteScalarAsync<bool>(new CommandDefinition(SqlFiles.Query("embedded_database_exists"), cancellationToken: cancellationToken)))
            await connection.ExecuteAsync(new CommandDefinition(SqlFiles.Query("create_embedded_database"), commandTimeout: 120, cancellationToken: cancellationToken));
    }

    private static string ConnectionStringOf(ClusterFolder cluster, string user, string password, string database) => new NpgsqlConnectionStringBuilder
    {
        Host = cluster.SocketFolder,
        Port = Port,
        Username = user,
        Password = password,
        Database = database,
    }.ConnectionString;

    private static string Settings(ClusterFolder cluster, ServerPrograms programs, EmbeddedPostgresOptions options)
    {
        var text = new StringBuilder()
            .AppendLine("# Written by batchgen at every start.")
            .AppendLine("listen_addresses = ''")
            .AppendLine(CultureInfo.InvariantCulture, $"port = {Port}")
            .AppendLine(CultureInfo.InvariantCulture, $"unix_socket_directories = '{cluster.SocketFolder.Replace("'", "''", StringComparison.Ordinal)}'")
            .AppendLine("unix_socket_permissions = 0700")
            .AppendLine("max_connections = 200")
            .AppendLine("shared_buffers = 256MB")
            .AppendLine("max_wal_size = 2GB")
            .AppendLine("checkpoint_timeout = 15min")
            // No query here is long enough for compiled plans to pay.
            .AppendLine("jit = off");
        // What was in memory is read again after a restart, before somebody waits for it.
        if (programs.HasModule(Prewarm)) text.AppendLine(CultureInfo.InvariantCulture, $"shared_preload_libraries = '{Prewarm}'");
        if (!options.Fsync) text.AppendLine("fsync = off").AppendLine("full_page_writes = off").AppendLine("synchronous_commit = off");
        return text.ToString();
    }

    private static async Task<FileStream> LockAsync(string file, ILogger logger, CancellationToken cancellationToken)
    {
        for (var tries = 0; ; tries++)
        {
            if (TryLock(file, out var stream)) return stream!;
            if (tries == 100) Log.WaitingForLock(logger, file);
            await Task.Delay(50, cancellationToken);
        }
    }

    // On Unix the share mode is an advisory flock: None is exclusive, Read is shared. The system drops it when the process ends, however it ends.
    private static bool TryLock(string file, out FileStream? stream)
    {
        try
        {
            stream = new FileStream(file, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            return true;
        }
        catch (IOException error) when ((error.HResult & 0xffff) is WouldBlockOnLinux or WouldBlockOnMac)
        {
            stream = null;
            return false;
        }
    }

    private static FileStream OpenShared(string file)
    {
        if (!File.Exists(file)) File.WriteAllText(file, "");
        return new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.Read);
    }

    private static async Task<string> ReadFromAsync(string file, long position, CancellationToken cancellationToken)
    {
        if (!File.Exists(file)) return "";
        await using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        stream.Position = Math.Min(position, stream.Length);
        using var reader = new StreamReader(stream);
        return await reader.ReadToEndAsync(cancellationToken);
    }

    private static string Reason(string log)
    {
        var lines = log.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        var telling = lines.Where(line => line.Contains("FATAL:", StringComparison.Ordinal) || line.Contains("PANIC:", StringComparison.Ordinal)
            || line.Contains("DETAIL:", StringComparison.Ordinal) || line.Contains("could not", StringComparison.Ordinal)).Take(2).ToArray();
        return string.Join("; ", telling.Length > 0 ? telling : lines.TakeLast(1)).TrimEnd('.');
    }

    private static string Last(string? text) =>
        text?.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).LastOrDefault(line => line.Contains("error", StringComparison.OrdinalIgnoreCase))?.TrimEnd('.')
        ?? text?.Trim() ?? "the program is missing";
}

/// <summary>How an embedded server is run.</summary>
public sealed class EmbeddedPostgresOptions
{
    /// <value>Whether commits reach the disk before they are confirmed; true. False is for tests only: a power cut destroys the database.</value>
    public bool Fsync { get; set; } = true;
}
