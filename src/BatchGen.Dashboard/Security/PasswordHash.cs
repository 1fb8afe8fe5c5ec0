using System.Globalization;
using System.Security.Cryptography;

namespace BatchGen.Dashboard.Security;

/// <summary>Hashes of passwords: PBKDF2 with SHA-512, salted, with its parameters in the text.</summary>
public static class PasswordHash
{
    // OWASP Password Storage Cheat Sheet (2023): at least 210,000 iterations for PBKDF2-HMAC-SHA512.
    private const int Iterations = 210_000;
    private const int SaltBytes = 16;
    private const int HashBytes = 32;

    /// <summary>Shortest password taken.</summary>
    public const int MinLength = 8;

    // What a password is compared with when there is no such account, so that the answer takes as long.
    private static readonly string HashOfNoAccount = Make("there is no such account");

    /// <summary>Hashes a password.</summary>
    public static string Make(string password)
    {
        var salt = RandomNumberGenerator.GetBytes(SaltBytes);
        var hash = Rfc2898DeriveBytes.Pbkdf2(password, salt, Iterations, HashAlgorithmName.SHA512, HashBytes);
        return string.Create(
            CultureInfo.InvariantCulture, $"pbkdf2-sha512${Iterations}${Convert.ToBase64String(salt)}${Convert.ToBase64String(hash)}");
    }

    /// <summary>True when the password is the one hashed; null stands for an account that does not exist, and takes as long.</summary>
    public static bool Matches(string password, string? stored)
    {
        var parts = (stored ?? HashOfNoAccount).Split('$');
        if (parts.Length != 4 || parts[0] != "pbkdf2-sha512") return false;
        var expected = Convert.FromBase64String(parts[3]);
        var actual = Rfc2898DeriveBytes.Pbkdf2(
            password, Convert.FromBase64String(parts[2]), int.Parse(parts[1], CultureInfo.InvariantCulture), HashAlgorithmName.SHA512,
            expected.Length);
        return CryptographicOperations.FixedTimeEquals(expected, actual) && stored is not null;
    }
}
