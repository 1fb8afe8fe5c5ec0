using System.Net;
using System.Net.Sockets;
using System.Threading.RateLimiting;

namespace BatchGen.Dashboard.Security;

/// <summary>Limits login attempts: by network, and by account from all networks together.</summary>
internal sealed class LoginAttempts(DashboardOptions options) : IDisposable
{
    // Enough that nobody can lock others out from one network, and few enough that guessing from many networks leads nowhere.
    private const int NetworksPerAccount = 10;

    /// <summary>The time in which attempts are counted.</summary>
    public static readonly TimeSpan Window = TimeSpan.FromMinutes(1);

    private readonly PartitionedRateLimiter<string> _accounts = PartitionedRateLimiter.Create<string, string>(
        name => PerMinute(name, options.LoginAttemptsPerMinute * NetworksPerAccount), StringComparer.OrdinalIgnoreCase);

    /// <summary>The limit of a client's network.</summary>
    public static RateLimitPartition<string> Limit(IPAddress? client, DashboardOptions options) =>
        PerMinute(NetworkOf(client), options.LoginAttemptsPerMinute);

    /// <summary>Counts a try; false when the account has had too many.</summary>
    public bool MayTry(string name)
    {
        using var lease = _accounts.AttemptAcquire(name);
        return lease.IsAcquired;
    }

    /// <inheritdoc/>
    public void Dispose() => _accounts.Dispose();

    // Whoever has one address of IPv6 has at least the /64 around it (RFC 6177, RFC 4291 section 2.5.4).
    private static string NetworkOf(IPAddress? client) => client switch
    {
        null => "",
        { IsIPv4MappedToIPv6: true } => client.MapToIPv4().ToString(),
        { AddressFamily: AddressFamily.InterNetworkV6 } => Convert.ToHexString(client.GetAddressBytes().AsSpan(0, 8)),
        _ => client.ToString(),
    };

    private static RateLimitPartition<string> PerMinute(string who, int permits) => RateLimitPartition.GetFixedWindowLimiter(
        who, _ => new FixedWindowRateLimiterOptions { PermitLimit = permits, Window = Window, QueueLimit = 0 });
}
