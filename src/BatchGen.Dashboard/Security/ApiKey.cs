using System.Security.Cryptography;
using System.Text;

namespace BatchGen.Dashboard.Security;

/// <summary>Keys of the HTTP API: 256 random bits, of which only the SHA-256 is kept.</summary>
public static class ApiKey
{
    /// <summary>The beginning of every key, so that leaked keys can be searched for.</summary>
    public const string Prefix = "bgk_";

    /// <summary>Makes a key.</summary>
    public static string Make() => Prefix + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));

    /// <summary>The hash that is stored of a key. A plain one is enough: the key is random and long, not a password.</summary>
    public static byte[] Hash(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));
}
