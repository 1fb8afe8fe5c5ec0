using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using BatchGen.Queue.Sql;
using Dapper;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace BatchGen.Queue.Embedded;

/// <summary>Creates, starts and stops the server of one folder. Callers hold the lock by which one program at a time does so.</summary>
internal sealed class Cluster(ClusterFolder folder, ServerPrograms programs, ServerUser user, ILogger logger)
{
    /// <summary>Names the socket file; no network port is opened.</summary>
    public const int Port = 5432;

    private const string SuperUser = "postgres";
    private const string User = "batchgen";
    private const string PrewarmModule = "pg_prewarm";

    // Processes of a server that was killed take a moment to end: ten seconds are ample.
    private const int MostStarts = 50;
    private static readonly TimeSpan StartInterval = TimeSpan.FromMilliseconds(200);

    private readonly ServerLog _log = new(folder.Home, user);

    /// <summary>Finds the programs for a folder's cluster.</summary>
    public static async Task<Cluster> OpenAsync(string folder, ILogger logger, CancellationToken cancellationToken)
    {
        var user = await ServerUser.ChooseAsync(cancellationToken);
        var opened = await ClusterFolder.OpenAsync(folder, Port, user, logger, cancellationToken);
        return new(opened, await ServerPrograms.FindAsync(opened.Version, opened.Data, cancellationToken), user, logger);
    }

    /// <summary>How to connect to the database of a folder's server, which the caller has seen running.</summary>
    public static async Task<string> ConnectionStringOfAsync(ClusterFolder folder, CancellationToken cancellationToken) =>
        ConnectionStringOf(folder, User, await folder.ReadPasswordAsync(cancellationToken), User);

    /// <summary>Process id of the server, or null when none runs.</summary>
    public int? RunningServer() => folder.RunningServer();

    /// <summary>Removes the oldest files of the server's log.</summary>
    public Task PruneLogAsync(CancellationToken cancellationToken) => _log.PruneAsync(cancellationToken);

    /// <summary>Brings the cluster to a running server with its database, from whatever state it was left in.</summary>
    /// <returns>How to connect to the database.</returns>
    public async Task<string> EnsureRunningAsync(EmbeddedPostgresOptions options, CancellationToken cancellationToken)
    {
        var superUserPassword = folder.FindSuperUserPassword();

        // 1. Files. A cluster whose creation was interrupted holds no jobs yet and is made again; one with a database is never removed.
        if (!folder.IsComplete && folder.HoldsDatabase) Log.ClusterUnmarked(logger, folder.Data);
        else if (!folder.IsComplete)
        {
            await RemoveUnfinishedAsync(cancellationToken);
            superUserPassword = NewPassword();
            await CreateFilesAsync(superUserPassword, cancellationToken);
        }

        var password = await folder.ReadPasswordAsync(cancellationToken);

        // 2. Server
        if (folder.RunningServer() is null) await StartServerAsync(options, cancellationToken);
        else Log.ServerFound(logger, folder.Home);

        // 3. Role and database
        if (!folder.IsComplete)
        {
            // Version 0.2.0 gave both the same password.
            await CreateDatabaseAsync(superUserPassword ?? password, password, cancellationToken);
            await folder.MarkCompleteAsync(cancellationToken);
            Log.ClusterCreated(logger, programs.MajorVersion, folder.Home);
        }

        // 4. Version 0.2.0 gave the superuser the password of the database.
        if (folder.FindSuperUserPassword() is null) await SeparateSuperUserAsync(password, cancellationToken);

        return ConnectionStringOf(User, password, User);
    }

    /// <summary>Stops the server, whoever uses it; harmless when none runs.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (folder.RunningServer() is null) return;
        var result = await user.RunAsync(
            programs["pg_ctl"], ["stop", "-D", folder.Data, "-m", "fast", "-w", "-t", "60", "-s"], cancellationToken);
        if (result is { ExitCode: 0 }) Log.ServerStopped(logger, folder.Home);
        else Log.ServerDidNotStop(logger, folder.Home, ServerLog.LastError(result?.Error));
    }

    private async Task RemoveUnfinishedAsync(CancellationToken cancellationToken)
    {
        if (!Directory.Exists(folder.Data)) return;
        await StopAsync(cancellationToken);
        Directory.Delete(folder.Data, recursive: true);
        Log.UnfinishedClusterRemoved(logger, folder.Data);
    }

    private static string NewPassword() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(24));

    private async Task CreateFilesAsync(string superUserPassword, CancellationToken cancellationToken)
    {
        await folder.WritePasswordAsync(NewPassword(), cancellationToken);
        await folder.WriteSuperUserPasswordAsync(superUserPassword, cancellationToken);
        var passwordFile = Path.Combine(folder.Home, "initdb.password");
        await user.WriteAsync(passwordFile, superUserPassword + "\n", append: false, cancellationToken);
        try
        {
            // C.UTF-8 knows letters of all scripts and sorts by code point; systems that lack it get C.
            var result = await RunInitdbAsync(passwordFile, "C.UTF-8", cancellationToken);
            if (result is { ExitCode: not 0 } && result.Error.Contains("locale", StringComparison.Ordinal))
                result = await RunInitdbAsync(passwordFile, "C", cancellationToken);
            if (result is { ExitCode: 0 }) return;
            throw new QueueException($"PostgreSQL could not create a database in {folder.Data}: {ServerLog.LastError(result?.Error)}. "
                + "Check free space and permissions of the folder.");
        }
        finally
        {
            File.Delete(passwordFile);
        }
    }

    private Task<ProgramResult?> RunInitdbAsync(string passwordFile, string locale, CancellationToken cancellationToken) => user.RunAsync(
        programs["initdb"],
        ["-D", folder.Data, "-U", SuperUser, "--auth=scram-sha-256", "--pwfile=" + passwordFile, "-E", "UTF8", "--locale=" + locale],
        cancellationToken);

    private async Task StartServerAsync(EmbeddedPostgresOptions options, CancellationToken cancellationToken)
    {
        if (folder.Version is null)
            throw new QueueException($"The database in {folder.Data} is damaged: it has no PG_VERSION file. {RestoreAdvice}");
        folder.RemoveStalePidFile();
        await folder.WriteSettingsAsync(Settings(options), cancellationToken);
        await _log.RotateAsync(cancellationToken);
        for (var starts = 1; ; starts++)
        {
            var mark = _log.Mark();
            var result = await user.RunAsync(
                programs["pg_ctl"], ["start", "-D", folder.Data, "-l", _log.StartFile, "-w", "-t", "120", "-s"], cancellationToken);
            if (result is { ExitCode: 0 }) break;
            var lines = await _log.ReadSinceAsync(mark, cancellationToken);
            var isEnding = ServerLog.SaysMemoryInUse(lines) || (ServerLog.SaysSocketTaken(lines) && folder.SocketHolderHasEnded(Port));
            if (starts > MostStarts || !isEnding) throw StartError(lines, result);
            await Task.Delay(StartInterval, cancellationToken);
        }

        Log.ServerStarted(logger, programs.MajorVersion, folder.Home);
    }

    private QueueException StartError(string lines, ProgramResult? result)
    {
        if (ServerLog.SaysSocketTaken(lines))
        {
            return new QueueException(
                $"The socket {folder.SocketFile(Port)} is taken by another server, or cannot be made there: {ServerLog.Reason(lines)}. "
                    + "Stop that server, or remove the file if none runs.");
        }

        if (ServerLog.SaysDamaged(lines))
            return new QueueException(
                $"The database in {folder.Data} is damaged: {ServerLog.Reason(lines)}. {RestoreAdvice} {LogAdvice}");
        var reason = ServerLog.Reason(lines.Length > 0 ? lines : result?.Error ?? "no server program");
        return new QueueException($"PostgreSQL did not start in {folder.Data}: {reason}. {LogAdvice}");
    }

    private string LogAdvice => $"The server's log is {_log.StartFile}, and what it said later lies in {_log.Folder}.";

    private string RestoreAdvice => $"Restore the folder from a backup, or move {folder.Folder} away to start with an empty database.";

    // The new password is kept before the server gets it: a start that is interrupted between the two finds it again.
    private async Task SeparateSuperUserAsync(string sharedPassword, CancellationToken cancellationToken)
    {
        var password = await folder.NextSuperUserPasswordAsync(NewPassword(), cancellationToken);
        try
        {
            await SetSuperUserPasswordAsync(sharedPassword, password, cancellationToken);
        }
        catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.InvalidPassword)
        {
            // The start that was interrupted had changed it already.
            await SetSuperUserPasswordAsync(password, password, cancellationToken);
        }

        folder.KeepNextSuperUserPassword();
    }

    private async Task SetSuperUserPasswordAsync(string old, string password, CancellationToken cancellationToken)
    {
        await using var source = NpgsqlDataSource.Create(ConnectionStringOf(SuperUser, old, "postgres") + ";Pooling=false");
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        await connection.ExecuteAsync(
            new CommandDefinition(SqlFiles.Query("set_password_setting"), new { password }, cancellationToken: cancellationToken));
        await connection.ExecuteAsync(new CommandDefinition(SqlFiles.Query("set_own_password"), cancellationToken: cancellationToken));
    }

    private async Task CreateDatabaseAsync(string superUserPassword, string password, CancellationToken cancellationToken)
    {
        await using var source = NpgsqlDataSource.Create(ConnectionStringOf(SuperUser, superUserPassword, "postgres") + ";Pooling=false");
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        await connection.ExecuteAsync(
            new CommandDefinition(SqlFiles.Query("set_password_setting"), new { password }, cancellationToken: cancellationToken));
        await connection.ExecuteAsync(new CommandDefinition(SqlFiles.Query("create_embedded_owner"), cancellationToken: cancellationToken));
        var exists = new CommandDefinition(SqlFiles.Query("embedded_database_exists"), cancellationToken: cancellationToken);
        if (await connection.ExecuteScalarAsync<bool>(exists)) return;
        await connection.ExecuteAsync(
            new CommandDefinition(SqlFiles.Query("create_embedded_database"), commandTimeout: 120, cancellationToken: cancellationToken));
    }

    private string ConnectionStringOf(string login, string password, string database) =>
        ConnectionStringOf(folder, login, password, database);

    private static string ConnectionStringOf(
        ClusterFolder folder, string login, string password, string database) => new NpgsqlConnectionStringBuilder
    {
        Host = folder.SocketFolder, Port = Port, Username = login, Password = password, Database = database,
        // Another server on the socket must not be able to ask for the password itself: SCRAM proves that each side knows it.
        RequireAuth = "ScramSHA256",
    }.ConnectionString;

    private string Settings(EmbeddedPostgresOptions options)
    {
        var text = new StringBuilder()
            .AppendLine("# Written by batchgen at every start.")
            .AppendLine("listen_addresses = ''")
            .AppendLine(CultureInfo.InvariantCulture, $"port = {Port}")
            .AppendLine(CultureInfo.InvariantCulture,
                $"unix_socket_directories = '{folder.SocketFolder.Replace("'", "''", StringComparison.Ordinal)}'")
            .AppendLine("unix_socket_permissions = 0700")
            .AppendLine("max_connections = 200")
            .AppendLine("shared_buffers = 256MB")
            .AppendLine("max_wal_size = 2GB")
            .AppendLine("checkpoint_timeout = 15min")
            // No query here is long enough for compiled plans to pay.
            .AppendLine("jit = off")
            .Append(_log.Settings);
        // After a restart the server reads what it had in memory before anybody waits for it.
        if (programs.HasModule(PrewarmModule))
            text.AppendLine(CultureInfo.InvariantCulture, $"shared_preload_libraries = '{PrewarmModule}'");
        if (!options.Fsync) text.AppendLine("fsync = off").AppendLine("full_page_writes = off").AppendLine("synchronous_commit = off");
        return text.ToString();
    }
}
