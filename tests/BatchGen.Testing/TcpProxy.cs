using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Npgsql;

namespace BatchGen.Testing;

/// <summary>Stands between a client and the test server and breaks the connections in the ways that networks do.</summary>
public sealed class TcpProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<Pair, byte> _pairs = new();
    private readonly NpgsqlConnectionStringBuilder _server;
    private readonly Task _accepting;
    private volatile bool _stalled;

    private TcpProxy(string server)
    {
        _server = new NpgsqlConnectionStringBuilder(server);
        _listener.Start();
        var port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        ConnectionString = new NpgsqlConnectionStringBuilder(server)
        {
            Host = IPAddress.Loopback.ToString(), Port = port, RequireAuth = null,
        }.ConnectionString;
        _accepting = AcceptAsync();
    }

    /// <summary>The server's connection string, with the address of the proxy.</summary>
    public string ConnectionString { get; }

    /// <summary>Stands before a server.</summary>
    public static TcpProxy Start(string connectionString) => new(connectionString);

    /// <summary>The connections that are open now stay open and silent, as behind a router that forgot them; new ones pass.</summary>
    public void HalfOpen()
    {
        foreach (var pair in _pairs.Keys) pair.IsSilent = true;
    }

    /// <summary>Every connection is silent from now on, the new ones too: the server seems to hang.</summary>
    public void Stall()
    {
        _stalled = true;
        HalfOpen();
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        foreach (var pair in _pairs.Keys) pair.Dispose();
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            var client = await _listener.AcceptSocketAsync(_stop.Token);
            var isSocketFile = _server.Host!.StartsWith('/');
            var server = isSocketFile
                ? new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
                : new Socket(SocketType.Stream, ProtocolType.Tcp);
            EndPoint address = isSocketFile
                ? new UnixDomainSocketEndPoint(Path.Combine(_server.Host, $".s.PGSQL.{_server.Port}"))
                : new DnsEndPoint(_server.Host, _server.Port);
            await server.ConnectAsync(address, _stop.Token);
            var pair = new Pair(client, server) { IsSilent = _stalled };
            _pairs[pair] = 0;
            _ = pair.PumpAsync(client, server, _stop.Token);
            _ = pair.PumpAsync(server, client, _stop.Token);
        }
    }

    private sealed class Pair(Socket client, Socket server) : IDisposable
    {
        private volatile bool _isSilent;

        public bool IsSilent
        {
            get => _isSilent;
            set => _isSilent = value;
        }

        public async Task PumpAsync(Socket from, Socket to, CancellationToken cancellationToken)
        {
            var buffer = new byte[65536];
            try
            {
                while (await from.ReceiveAsync(buffer, cancellationToken) is var read and > 0)
                {
                    if (!IsSilent) await to.SendAsync(buffer.AsMemory(0, read), cancellationToken);
                }

                // What is silent stays open on the other side.
                if (!IsSilent) to.Shutdown(SocketShutdown.Send);
            }
            catch (Exception error) when (error is SocketException or ObjectDisposedException or OperationCanceledException)
            {
                // Either side went away.
            }
        }

        public void Dispose()
        {
            client.Dispose();
            server.Dispose();
        }
    }
}
