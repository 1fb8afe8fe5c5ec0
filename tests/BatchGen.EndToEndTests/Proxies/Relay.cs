using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace BatchGen.EndToEndTests.Proxies;

/// <summary>Stands between a proxy and the dashboard, passes every byte on as it comes, and keeps what the proxy sent.</summary>
internal sealed class Relay : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentQueue<RelayedConnection> _connections = new();
    private readonly int _dashboardPort;
    private readonly Task _accepting;

    public Relay(int dashboardPort)
    {
        _dashboardPort = dashboardPort;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>The connection of the proxy on which a text was sent, or null.</summary>
    public RelayedConnection? Carrying(string text) =>
        _connections.FirstOrDefault(connection => connection.Sent.Contains(text, StringComparison.Ordinal));

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        var passing = new List<Task>();
        try
        {
            while (true)
            {
                var connection = new RelayedConnection(await _listener.AcceptTcpClientAsync(_stop.Token));
                _connections.Enqueue(connection);
                passing.Add(connection.PassAsync(_dashboardPort, _stop.Token));
            }
        }
        catch (OperationCanceledException)
        {
            await Task.WhenAll(passing);
        }
    }
}

/// <summary>A connection of a proxy to the dashboard.</summary>
internal sealed class RelayedConnection(TcpClient proxy)
{
    private readonly StringBuilder _sent = new();
    private volatile bool _proxyLeft;

    /// <summary>True once the proxy has ended the connection.</summary>
    public bool ProxyLeft => _proxyLeft;

    /// <summary>What the proxy has sent so far, a letter for each byte.</summary>
    public string Sent
    {
        get
        {
            lock (_sent) return _sent.ToString();
        }
    }

    /// <summary>Passes bytes in both directions until both have ended.</summary>
    public async Task PassAsync(int dashboardPort, CancellationToken cancellationToken)
    {
        using var dashboard = new TcpClient { NoDelay = true };
        using (proxy)
        {
            proxy.NoDelay = true;
            try
            {
                await dashboard.ConnectAsync(IPAddress.Loopback, dashboardPort, cancellationToken);
                // A connection that is reset has no stream any more.
                var (toProxy, toDashboard) = (proxy.GetStream(), dashboard.GetStream());
                await Task.WhenAll(
                    SendAsync(toProxy, toDashboard, cancellationToken), AnswerAsync(toDashboard, toProxy, cancellationToken));
            }
            catch (Exception failure)
                when (failure is IOException or SocketException or InvalidOperationException or OperationCanceledException)
            {
                // One of both ended the connection without a word, or the test is over.
            }
        }

        _proxyLeft = true;
    }

    private async Task SendAsync(NetworkStream from, NetworkStream dashboard, CancellationToken cancellationToken)
    {
        var buffer = new byte[64 << 10];
        while (await from.ReadAsync(buffer, cancellationToken) is > 0 and var count)
        {
            lock (_sent) _sent.Append(Encoding.Latin1.GetString(buffer, 0, count));
            await dashboard.WriteAsync(buffer.AsMemory(0, count), cancellationToken);
        }

        _proxyLeft = true;
        dashboard.Socket.Shutdown(SocketShutdown.Send);
    }

    private static async Task AnswerAsync(NetworkStream dashboard, NetworkStream to, CancellationToken cancellationToken)
    {
        await dashboard.CopyToAsync(to, cancellationToken);
        to.Socket.Shutdown(SocketShutdown.Send);
    }
}
