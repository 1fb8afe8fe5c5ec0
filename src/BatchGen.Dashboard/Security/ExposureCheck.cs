using BatchGen.Queue.Access;
using Microsoft.AspNetCore.Http;

namespace BatchGen.Dashboard.Security;

/// <summary>Refuses to answer other machines, directly or through a proxy, while nobody needs to log in.</summary>
/// <remarks>The web server takes several addresses, separated by semicolons; each is read here as the web server reads it.</remarks>
internal static class ExposureCheck
{
    private const string MakeAccess =
        "Make an account first (batchgen users add NAME --role operator) or a key (batchgen keys add NAME --role operator)";

    /// <summary>Checks every address and the proxies.</summary>
    /// <returns>True when only this machine reaches the dashboard.</returns>
    /// <exception cref="DashboardException">A part of the setting is not an address, or an address is open to others without
    /// accounts and keys.</exception>
    public static async Task<bool> CheckAsync(DashboardOptions options, AccessStore store, CancellationToken cancellationToken)
    {
        var open = options.Url.Split(';', StringSplitOptions.RemoveEmptyEntries).DefaultIfEmpty("").FirstOrDefault(url => !IsLocal(url));
        if (open is null && options.TrustedProxies.Count == 0) return true;
        if (await store.AnyAsync(cancellationToken)) return false;
        throw new DashboardException(open is null
            ? $"BatchGen:Dashboard:TrustedProxies names {string.Join(", ", options.TrustedProxies)}, which passes other machines on, "
                + $"and nobody would have to log in. {MakeAccess}, or leave TrustedProxies empty."
            : $"BatchGen:Dashboard:Url '{open}' can be reached from other machines, and nobody would have to log in. "
                + $"{MakeAccess}, or listen on http://127.0.0.1:5080.");
    }

    private static bool IsLocal(string url) => ListenAddress.Reach(url) switch
    {
        null => throw new DashboardException($"BatchGen:Dashboard:Url '{url}' is not an address such as http://127.0.0.1:5080; "
            + "several are separated by semicolons."),
        var local => local.Value,
    };
}

/// <summary>Who reaches an address that the web server listens on.</summary>
public static class ListenAddress
{
    /// <summary>True when only this machine reaches the address; null when it is not an address.</summary>
    /// <remarks>The web server listens on every address of the machine for any name that is neither localhost nor an address: '*' and
    /// '+', and 'me@127.0.0.1' too, which elsewhere would mean 127.0.0.1.</remarks>
    public static bool? Reach(string url)
    {
        ArgumentNullException.ThrowIfNull(url);
        var readable = url.Replace("//*", "//0.0.0.0").Replace("//+", "//0.0.0.0");
        if (!Uri.TryCreate(readable, UriKind.Absolute, out var read) || read.PathAndQuery != "/" || read.Fragment.Length > 0
            || BindingAddress.Parse(url) is not { Scheme: "http" or "https" } address)
            return null;
        return IsThisMachine(address.Host);
    }

    /// <summary>True for names and addresses that always mean this machine.</summary>
    public static bool IsThisMachine(string host) => SecurityHeaders.IsThisMachine(host);
}

/// <summary>The dashboard cannot start; the message says why and what to do.</summary>
public sealed class DashboardException(string message, Exception? inner = null) : Exception(message, inner);
