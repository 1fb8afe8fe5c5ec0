using System.Net;
using BatchGen.Queue.Access;
using Microsoft.AspNetCore.Http;

namespace BatchGen.Dashboard.Security;

/// <summary>Lets people on this machine in without login until there is a first account.</summary>
internal sealed class LocalAccess(AccessStore store, TimeProvider clock) : IDisposable
{
    // How long an answer of the database counts.
    private static readonly TimeSpan AnswerLifetime = TimeSpan.FromSeconds(2);

    /// <summary>Headers that proxies add, beside those that begin with X-Forwarded- or X-Original-.</summary>
    public static readonly string[] ProxyHeaders = ["Forwarded", "X-Real-IP", "Via"];
    private static readonly string[] ProxyHeaderPrefixes = ["X-Forwarded-", "X-Original-"];

    private readonly SemaphoreSlim _gate = new(1);
    private long? _checkedAt;
    private bool _hasNoAccount;

    /// <summary>True when the dashboard listens on loopback only, and no proxy is known that passes others on; set at start.</summary>
    public bool LoopbackOnly { get; set; }

    /// <summary>True when a request is let in without login, as the local operator's.</summary>
    public async ValueTask<bool> NeedsNoLoginAsync(HttpContext context) =>
        MayNeedNoLogin(context) && await HasNoAccountAsync(context.RequestAborted);

    /// <summary>True when a request is the local operator's as long as there is no account.</summary>
    public bool MayNeedNoLogin(HttpContext context) => LoopbackOnly && IsFromThisMachine(context);

    /// <summary>True while nobody has an account; an answer may be two seconds old.</summary>
    public async ValueTask<bool> HasNoAccountAsync(CancellationToken cancellationToken)
    {
        if (_checkedAt is { } at && clock.GetElapsedTime(at) < AnswerLifetime) return _hasNoAccount;
        await _gate.WaitAsync(cancellationToken);
        try
        {
            _hasNoAccount = (await store.ListAccountsAsync(cancellationToken)).Count == 0;
            _checkedAt = clock.GetTimestamp();
            return _hasNoAccount;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _gate.Dispose();

    // A proxy on this machine connects from it too; the headers that it adds show that the request is somebody else's.
    private static bool IsFromThisMachine(HttpContext context) =>
        context.Connection.RemoteIpAddress is { } address
        && IPAddress.IsLoopback(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address)
        && !context.Request.Headers.Keys.Any(IsOfProxy);

    private static bool IsOfProxy(string header) =>
        ProxyHeaders.Contains(header, StringComparer.OrdinalIgnoreCase)
        || ProxyHeaderPrefixes.Any(prefix => header.StartsWith(prefix, StringComparison.OrdinalIgnoreCase));
}
