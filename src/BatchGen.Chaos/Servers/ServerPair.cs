using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using BatchGen.Chaos.Faults;
using BatchGen.Queue.Embedded;
using Npgsql;

namespace BatchGen.Chaos.Servers;

/// <summary>A primary and its synchronous standby: a commit is answered when both have it.</summary>
internal sealed class ServerPair : IAsyncDisposable
{
    private const string Database = "batchgen";
    private readonly SemaphoreSlim _busy = new(1, 1);
    private bool _hasStandby, _isDisposed;

    private ServerPair(PostgresNode first, PostgresNode second) => (Primary, Standby) = (first, second);

    /// <summary>The server that takes writes.</summary>
    public PostgresNode Primary { get; private set; }

    /// <summary>The server that follows it.</summary>
    public PostgresNode Standby { get; private set; }

    /// <summary>Both, in the order in which connection strings name them, which never changes.</summary>
    public IReadOnlyList<PostgresNode> Nodes { get; private init; } = [];

    /// <summary>Makes and starts both.</summary>
    /// <param name="folder">Folder that the servers' user may enter.</param>
    /// <param name="clock">Clock that both see.</param>
    /// <param name="cancellationToken">Cancels the creation.</param>
    public static async Task<ServerPair> CreateAsync(string folder, ServerClock clock, CancellationToken cancellationToken)
    {
        var user = await ServerUser.ChooseAsync(cancellationToken);
        var programs = await ServerPrograms.FindAsync(null, folder, cancellationToken);
        var password = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
        var ports = FreePorts(2);
        var first = new PostgresNode("server_a", folder, ports[0], password, programs, user, clock);
        var second = new PostgresNode("server_b", folder, ports[1], password, programs, user, clock);
        var pair = new ServerPair(first, second) { Nodes = [first, second] };
        try
        {
            await first.CreateAsync(cancellationToken);
            await first.StartAsync(cancellationToken);
            await pair.ExecuteAsync("create_database", "postgres", cancellationToken);
            await pair.AddStandbyAsync(cancellationToken);
            return pair;
        }
        catch
        {
            await pair.DisposeAsync();
            throw;
        }
    }

    /// <summary>A connection to the primary, with nothing between.</summary>
    public async Task<NpgsqlConnection> ConnectAsync(CancellationToken cancellationToken)
    {
        var connection = new NpgsqlConnection(Primary.ConnectionString(Database));
        try
        {
            await connection.OpenAsync(cancellationToken);
            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    /// <summary>How a client connects to whichever of the two takes writes.</summary>
    /// <param name="ports">A port for each of <see cref="Nodes"/>.</param>
    /// <param name="application">Name of the client.</param>
    public string ConnectionString(IReadOnlyList<int> ports, string application) =>
        new NpgsqlConnectionStringBuilder(Primary.ConnectionString(Database))
        {
            Host = string.Join(',', ports.Select(port => string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{port}"))),
            Pooling = true, TargetSessionAttributes = "primary", ApplicationName = application, SearchPath = null,
        }.ConnectionString;

    /// <summary>Stops the primary in some way, and starts it again after a while.</summary>
    /// <returns>What happened, in words.</returns>
    public async Task<string> RestartAsync(Func<PostgresNode, Task> stop, TimeSpan down, CancellationToken cancellationToken)
    {
        if (!await _busy.WaitAsync(TimeSpan.Zero, cancellationToken)) return FaultKind.NotDone + "the servers were busy";
        try
        {
            await stop(Primary);
            await Task.Delay(down, cancellationToken);
            await Primary.StartAsync(cancellationToken);
            return "ok";
        }
        finally
        {
            _busy.Release();
        }
    }

    /// <summary>Kills the primary, promotes the standby after a while, and makes the old primary its standby.</summary>
    /// <returns>What happened, in words.</returns>
    public async Task<string> FailOverAsync(TimeSpan gap, CancellationToken cancellationToken)
    {
        if (!await _busy.WaitAsync(TimeSpan.Zero, cancellationToken)) return FaultKind.NotDone + "the servers were busy";
        try
        {
            if (!_hasStandby) return FaultKind.NotDone + "there was no standby";
            Primary.Kill();
            _hasStandby = false;
            await Task.Delay(gap, cancellationToken);
            await Standby.PromoteAsync(cancellationToken);
            (Primary, Standby) = (Standby, Primary);
            await AddStandbyAsync(cancellationToken);
            return "ok";
        }
        finally
        {
            _busy.Release();
        }
    }

    /// <summary>Stops both servers; harmless when they were stopped.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_isDisposed) return;
        await _busy.WaitAsync(CancellationToken.None);
        _isDisposed = true;
        try
        {
            await Nodes[0].StopAsync("immediate", CancellationToken.None);
        }
        finally
        {
            await Nodes[1].StopAsync("immediate", CancellationToken.None);
            _busy.Dispose();
        }
    }

    /// <summary>Runs a statement of <c>db/chaos</c> on the primary.</summary>
    public async Task ExecuteAsync(string statement, string database, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(Primary.ConnectionString(database));
        await connection.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand(ChaosSql.Read(statement), connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>The value that a statement of <c>db/chaos</c> returns, as text; why not while the server is away.</summary>
    public async Task<string> CallAsync(string statement, CancellationToken cancellationToken, params object[] values)
    {
        try
        {
            await using var connection = await ConnectAsync(cancellationToken);
            await using var command = new NpgsqlCommand(ChaosSql.Read(statement), connection);
            foreach (var value in values) command.Parameters.AddWithValue(value);
            return Convert.ToString(await command.ExecuteScalarAsync(cancellationToken), CultureInfo.InvariantCulture) ?? "";
        }
        catch (NpgsqlException away)
        {
            return $"{FaultKind.NotDone}the server was away: {away.Message}";
        }
    }

    /// <summary>Ports that nothing listens on now.</summary>
    public static int[] FreePorts(int count)
    {
        var listeners = Enumerable.Range(0, count).Select(_ => new TcpListener(IPAddress.Loopback, 0)).ToArray();
        foreach (var listener in listeners) listener.Start();
        var ports = listeners.Select(listener => ((IPEndPoint)listener.LocalEndpoint).Port).ToArray();
        foreach (var listener in listeners) listener.Dispose();
        return ports;
    }

    // Without a standby commits are answered by the primary alone, so that making the standby stops nothing.
    private async Task AddStandbyAsync(CancellationToken cancellationToken)
    {
        await Standby.FollowAsync(Primary, cancellationToken);
        await Standby.StartAsync(cancellationToken);
        await ExecuteAsync("wait_for_standby_on_commit", "postgres", cancellationToken);
        await ExecuteAsync("reload_settings", "postgres", cancellationToken);
        _hasStandby = true;
    }
}
