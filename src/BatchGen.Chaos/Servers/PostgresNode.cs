using System.Globalization;
using BatchGen.Chaos.Processes;
using BatchGen.Queue.Embedded;
using Npgsql;
using static System.FormattableString;

namespace BatchGen.Chaos.Servers;

/// <summary>One database server of a run, on a port of this machine.</summary>
internal sealed class PostgresNode(
    string name, string folder, int port, string password, ServerPrograms programs, ServerUser user, ServerClock clock)
{
    private const string SuperUser = "postgres";

    // Servers that were killed take a moment until their memory and port are free.
    private const int MostStarts = 60;
    private static readonly TimeSpan StartInterval = TimeSpan.FromMilliseconds(250);

    private string Data => Path.Combine(folder, name, "data");

    private string LogFile => Path.Combine(folder, name, "server.log");

    /// <summary>Port of the server.</summary>
    public int Port => port;

    /// <summary>How to connect to a database of this server, with nothing between.</summary>
    public string ConnectionString(string database) => new NpgsqlConnectionStringBuilder
    {
        Host = "127.0.0.1", Port = port, Username = SuperUser, Password = password, Database = database, Pooling = false,
        Timeout = 5, CommandTimeout = 60, SearchPath = "batchgen,public",
    }.ConnectionString;

    /// <summary>Makes an empty server.</summary>
    public async Task CreateAsync(CancellationToken cancellationToken)
    {
        await MakeFolderAsync(cancellationToken);
        var passwordFile = Path.Combine(folder, name, "password");
        await user.WriteAsync(passwordFile, password, append: false, cancellationToken);
        await RunAsync("initdb",
            ["-D", Data, "-U", SuperUser, "--auth=scram-sha-256", "--pwfile=" + passwordFile, "-E", "UTF8", "--locale=C.UTF-8",
                "--no-sync"],
            cancellationToken);
        // Servers are killed here, machines are not: what was written stays without being forced to disk. Nor do the servers end their
        // replication for a clock that steps.
        await user.WriteAsync(Path.Combine(Data, "postgresql.conf"), $"""
            listen_addresses = '127.0.0.1'
            port = {port}
            unix_socket_directories = ''
            max_connections = 200
            shared_buffers = 64MB
            jit = off
            fsync = off
            wal_level = replica
            max_wal_senders = 5
            hot_standby = on
            wal_retrieve_retry_interval = 200ms
            wal_sender_timeout = 0
            wal_receiver_timeout = 0
            restart_after_crash = on
            log_line_prefix = '%m [%p] %a '

            """, append: true, cancellationToken);
        await user.WriteAsync(
            Path.Combine(Data, "pg_hba.conf"), "host replication all 127.0.0.1/32 scram-sha-256\n", append: true, cancellationToken);
    }

    /// <summary>Makes this server a standby of another that runs.</summary>
    public async Task FollowAsync(PostgresNode primary, CancellationToken cancellationToken)
    {
        await user.RunAsync("rm", ["-rf", Data], cancellationToken);
        await MakeFolderAsync(cancellationToken);
        var address = Invariant(
            $"host=127.0.0.1 port={primary.Port} user={SuperUser} password={password} application_name={name}");
        await RunAsync("pg_basebackup", ["-d", address, "-D", Data, "-R", "-X", "stream", "-c", "fast", "--no-sync"], cancellationToken);
        // It waits for no standby of its own once it is promoted.
        var settings = Invariant($"port = {port}\nsynchronous_standby_names = ''\n");
        await user.WriteAsync(Path.Combine(Data, "postgresql.auto.conf"), settings, append: true, cancellationToken);
    }

    /// <summary>Starts the server and waits until it takes connections.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        for (var starts = 1; ; starts++)
        {
            var result = await user.RunAsync("env",
                [.. clock.Variables(), programs["pg_ctl"], "start", "-D", Data, "-l", LogFile, "-w", "-t", "60", "-s"], cancellationToken);
            if (result is { ExitCode: 0 }) return;
            if (starts >= MostStarts) throw new InvalidOperationException($"Server {name} did not start; its log is {LogFile}.");
            await Task.Delay(StartInterval, cancellationToken);
        }
    }

    /// <summary>Stops the server as <c>pg_ctl stop</c> does: <c>fast</c> or <c>immediate</c>.</summary>
    public Task StopAsync(string mode, CancellationToken cancellationToken) =>
        user.RunAsync(programs["pg_ctl"], ["stop", "-D", Data, "-m", mode, "-w", "-t", "60", "-s"], cancellationToken);

    /// <summary>Kills every process of the server at once.</summary>
    public void Kill()
    {
        if (FindProcess() is not { } top) return;
        foreach (var process in (int[])[top, .. ChildrenOf(top)]) Signals.Send(process, Signals.Kill);
    }

    /// <summary>Makes a standby a primary.</summary>
    public Task PromoteAsync(CancellationToken cancellationToken) =>
        RunAsync("pg_ctl", ["promote", "-D", Data, "-w", "-t", "60", "-s"], cancellationToken);

    private int? FindProcess()
    {
        var file = Path.Combine(Data, "postmaster.pid");
        try
        {
            return int.TryParse(File.ReadLines(file).FirstOrDefault(), CultureInfo.InvariantCulture, out var process) ? process : null;
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static IEnumerable<int> ChildrenOf(int parent)
    {
        var file = $"/proc/{parent}/task/{parent}/children";
        return File.Exists(file)
            ? File.ReadAllText(file).Split(' ', StringSplitOptions.RemoveEmptyEntries)
                .Select(text => int.Parse(text, CultureInfo.InvariantCulture))
            : [];
    }

    private async Task MakeFolderAsync(CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(Path.Combine(folder, name));
        await user.OwnAsync(Path.Combine(folder, name), cancellationToken);
    }

    private async Task RunAsync(string program, IReadOnlyList<string> arguments, CancellationToken cancellationToken)
    {
        var result = await user.RunAsync("env", [.. clock.Variables(), programs[program], .. arguments], cancellationToken);
        if (result is not { ExitCode: 0 })
            throw new InvalidOperationException($"{program} of server {name} failed: {result?.Error.Trim() ?? "there is no such program"}");
    }
}
