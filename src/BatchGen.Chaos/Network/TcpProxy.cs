using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Npgsql;

namespace BatchGen.Chaos.Network;

/// <summary>Stands between a client and a database server and breaks the connections in the ways that networks do.</summary>
/// <remarks>Thread safe.</remarks>
public sealed class TcpProxy : IAsyncDisposable
{
    private static readonly TimeSpan SlowPiece = TimeSpan.FromMilliseconds(300);
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<Pair, byte> _pairs = new();
    private readonly string _host;
    private readonly int _port;
    private readonly TimeProvider _clock;
    private readonly Task _accepting;
    private volatile bool _stalled;
    private int _refusing, _holding, _muting, _slowing;

    private TcpProxy(NpgsqlConnectionStringBuilder server, TimeProvider clock)
    {
        (_host, _port, _clock) = (server.Host!, server.Port, clock);
        _listener.Start();
        ConnectionString = new NpgsqlConnectionStringBuilder(server.ConnectionString)
        {
            Host = IPAddress.Loopback.ToString(), Port = Port, RequireAuth = null,
        }.ConnectionString;
        _accepting = AcceptAsync();
    }

    /// <summary>Port on which the proxy listens.</summary>
    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>The server's connection string, with the address of the proxy.</summary>
    public string ConnectionString { get; }

    /// <summary>Stands before the server of a connection string.</summary>
    public static TcpProxy Start(string connectionString) => Start(connectionString, TimeProvider.System);

    /// <summary>Stands before the server of a connection string; faults last by a clock.</summary>
    internal static TcpProxy Start(string connectionString, TimeProvider clock) =>
        new(new NpgsqlConnectionStringBuilder(connectionString), clock);

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

    /// <summary>Every open connection is reset.</summary>
    internal void Cut()
    {
        foreach (var pair in _pairs.Keys) pair.Reset();
    }

    /// <summary>The open connections stay open and silent for the client, and the server's ends are closed; new ones pass.</summary>
    internal void LoseServer()
    {
        foreach (var pair in _pairs.Keys) pair.LoseServer();
    }

    /// <summary>Every connection is reset, and new ones too, for a while.</summary>
    internal Task RefuseAsync(TimeSpan time) => DuringAsync(time, change => Interlocked.Add(ref _refusing, change), Cut, static () => { });

    /// <summary>Bytes of both directions are held for a while, and then let go.</summary>
    internal Task HoldAsync(TimeSpan time) =>
        DuringAsync(time, change => Interlocked.Add(ref _holding, change), static () => { }, static () => { });

    /// <summary>Requests reach the server for a while, and its answers are dropped; then the connections are reset.</summary>
    internal Task MuteAsync(TimeSpan time) => DuringAsync(time, change => Interlocked.Add(ref _muting, change), static () => { }, Cut);

    /// <summary>Every piece is held up for a third of a second, for a while.</summary>
    internal Task SlowAsync(TimeSpan time) =>
        DuringAsync(time, change => Interlocked.Add(ref _slowing, change), static () => { }, static () => { });

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        foreach (var pair in _pairs.Keys) pair.Dispose();
        _stop.Dispose();
    }

    private async Task DuringAsync(TimeSpan time, Action<int> count, Action begin, Action end)
    {
        count(1);
        begin();
        await Task.Delay(time, _clock);
        count(-1);
        end();
    }

    private async Task AcceptAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            var client = await _listener.AcceptSocketAsync(_stop.Token);
            _ = ServeAsync(client);
        }
    }

    private async Task ServeAsync(Socket client)
    {
        var isSocketFile = _host.StartsWith('/');
        var server = isSocketFile
            ? new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
            : new Socket(SocketType.Stream, ProtocolType.Tcp);
        EndPoint address = isSocketFile
            ? new UnixDomainSocketEndPoint(Path.Combine(_host, string.Create(CultureInfo.InvariantCulture, $".s.PGSQL.{_port}")))
            : new DnsEndPoint(_host, _port);
        var pair = new Pair(client, server) { IsSilent = _stalled };
        try
        {
            if (Volatile.Read(ref _refusing) > 0) throw new SocketException((int)SocketError.ConnectionRefused);
            await server.ConnectAsync(address, _stop.Token);
            if (!isSocketFile) client.NoDelay = server.NoDelay = true;
            _pairs[pair] = 0;
            await Task.WhenAll(PumpAsync(pair, client, server, isAnswer: false), PumpAsync(pair, server, client, isAnswer: true));
        }
        catch (Exception error) when (error is SocketException or OperationCanceledException)
        {
            // The server is down, or connections are refused: the client sees the same.
            pair.Reset();
        }
        finally
        {
            _pairs.TryRemove(pair, out _);
            pair.Dispose();
        }
    }

    private async Task PumpAsync(Pair pair, Socket from, Socket to, bool isAnswer)
    {
        var buffer = new byte[65536];
        try
        {
            while (await from.ReceiveAsync(buffer, _stop.Token) is var read and > 0)
            {
                while (Volatile.Read(ref _holding) > 0) await Task.Delay(50, _stop.Token);
                if (Volatile.Read(ref _slowing) > 0) await Task.Delay(SlowPiece, _clock, _stop.Token);
                if (pair.IsSilent || (isAnswer && Volatile.Read(ref _muting) > 0)) continue;
                await to.SendAsync(buffer.AsMemory(0, read), _stop.Token);
            }

            // What is silent stays open on the other side.
            if (!pair.IsSilent) to.Shutdown(SocketShutdown.Send);
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // Either side went away; so does the other, unless it is to believe that nothing happened.
            if (!pair.IsSilent) pair.Reset();
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

        public void LoseServer()
        {
            IsSilent = true;
            Reset(server);
        }

        public void Reset()
        {
            Reset(client);
            Reset(server);
        }

        public void Dispose()
        {
            client.Dispose();
            server.Dispose();
        }

        // Closing with nothing lingering sends a reset instead of an end.
        private static void Reset(Socket socket)
        {
            try
            {
                socket.LingerState = new LingerOption(enable: true, seconds: 0);
            }
            catch (Exception closed) when (closed is SocketException or ObjectDisposedException)
            {
                return;
            }

            socket.Dispose();
        }
    }
}
