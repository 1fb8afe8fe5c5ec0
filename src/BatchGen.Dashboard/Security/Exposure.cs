using BatchGen.Queue.Access;

namespace BatchGen.Dashboard.Security;

/// <summary>Refuses to listen to other machines while nobody needs to log in.</summary>
internal static class Exposure
{
    /// <summary>Checks the address.</summary>
    /// <returns>True when it is on loopback only.</returns>
    /// <exception cref="DashboardException">Not an address, or open to others without accounts and keys.</exception>
    public static async Task<bool> CheckAsync(string url, AccessStore store, CancellationToken cancellationToken)
    {
        // '*', '+' and 0.0.0.0 mean every address of the machine.
        var readable = url.Replace("//*", "//0.0.0.0").Replace("//+", "//0.0.0.0");
        if (!Uri.TryCreate(readable, UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https"))
            throw new DashboardException($"BatchGen:Dashboard:Url '{url}' is not an address such as http://127.0.0.1:5080.");
        if (SecurityHeaders.IsThisMachine(address.Host)) return true;
        if (await store.AnyAsync(cancellationToken)) return false;
        throw new DashboardException(
            $"BatchGen:Dashboard:Url '{url}' can be reached from other machines, and nobody would have to log in. "
            + "Make an account first (batchgen users add NAME --role operator) or a key (batchgen keys add NAME --role operator), or listen on http://127.0.0.1:5080.");
    }
}

/// <summary>The dashboard cannot start; the message says why and what to do.</summary>
public sealed class DashboardException(string message, Exception? inner = null) : Exception(message, inner);
