using BatchGen.Queue.Access;

namespace BatchGen.Dashboard.Security;

/// <summary>Refuses to answer other machines, directly or through a proxy, while nobody needs to log in.</summary>
internal static class ExposureCheck
{
    private const string MakeAccess =
        "Make an account first (batchgen users add NAME --role operator) or a key (batchgen keys add NAME --role operator)";

    /// <summary>Checks the address and the proxies.</summary>
    /// <returns>True when only this machine reaches the dashboard.</returns>
    /// <exception cref="DashboardException">The setting is not an address, or the address is open to others without
    /// accounts and keys.</exception>
    public static async Task<bool> CheckAsync(DashboardOptions options, AccessStore store, CancellationToken cancellationToken)
    {
        var url = options.Url;
        // '*', '+' and 0.0.0.0 mean every address of the machine.
        var readable = url.Replace("//*", "//0.0.0.0").Replace("//+", "//0.0.0.0");
        if (!Uri.TryCreate(readable, UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https"))
            throw new DashboardException($"BatchGen:Dashboard:Url '{url}' is not an address such as http://127.0.0.1:5080.");
        var local = SecurityHeaders.IsThisMachine(address.Host);
        if (local && options.TrustedProxies.Count == 0) return true;
        if (await store.AnyAsync(cancellationToken)) return false;
        throw new DashboardException(local
            ? $"BatchGen:Dashboard:TrustedProxies names {string.Join(", ", options.TrustedProxies)}, which passes other machines on, "
                + $"and nobody would have to log in. {MakeAccess}, or leave TrustedProxies empty."
            : $"BatchGen:Dashboard:Url '{url}' can be reached from other machines, and nobody would have to log in. "
                + $"{MakeAccess}, or listen on http://127.0.0.1:5080.");
    }
}

/// <summary>The dashboard cannot start; the message says why and what to do.</summary>
public sealed class DashboardException(string message, Exception? inner = null) : Exception(message, inner);
