using System.Net;
using BatchGen.Queue.Access;
using Microsoft.AspNetCore.Http;

namespace BatchGen.Dashboard.Security;

/// <summary>Whether people need to log in: not on this machine alone, until there is a first account.</summary>
internal sealed class OpenDoor(AccessStore store, TimeProvider clock) : IDisposable
{
    private static readonly TimeSpan Recheck = TimeSpan.FromSeconds(5);

    private readonly SemaphoreSlim _gate = new(1);
    private long? _checkedAt;
    private bool _open;

    /// <summary>True when the dashboard listens on loopback only, and no proxy is known that passes others on; set at start.</summary>
    public bool LoopbackOnly { get; set; }

    /// <summary>True while this request is let in without login, as the local operator's.</summary>
    public async ValueTask<bool> IsOpenAsync(HttpContext context)
    {
        if (!LoopbackOnly || !IsFromThisMachine(context)) return false;
        if (_checkedAt is { } at && clock.GetElapsedTime(at) < Recheck) return _open;
        await _gate.WaitAsync(context.RequestAborted);
        try
        {
            _open = (await store.ListAccountsAsync(context.RequestAborted)).Count == 0;
            _checkedAt = clock.GetTimestamp();
            return _open;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _gate.Dispose();

    // A proxy on this machine is a neighbour too; the headers it adds tell that it speaks for somebody else.
    private static bool IsFromThisMachine(HttpContext context) =>
        context.Connection.RemoteIpAddress is { } address && IPAddress.IsLoopback(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address)
        && !context.Request.Headers.Keys.Any(name =>
            name.StartsWith("X-Forwarded-", StringComparison.OrdinalIgnoreCase) || name.StartsWith("X-Original-", StringComparison.OrdinalIgnoreCase)
            || name.Equals("Forwarded", StringComparison.OrdinalIgnoreCase) || name.Equals("X-Real-IP", StringComparison.OrdinalIgnoreCase) || name.Equals("Via", StringComparison.OrdinalIgnoreCase));
}
