using System.Security.Cryptography;

namespace BatchGen.FuzzTests.Guided;

/// <summary>Inputs as files, named by target and content.</summary>
internal static class FindingFile
{
    /// <summary>Writes an input; returns its path.</summary>
    public static string Write(string folder, string target, byte[] input)
    {
        Directory.CreateDirectory(folder);
        var file = Path.Combine(folder, $"{target}-{Convert.ToHexStringLower(SHA256.HashData(input))[..12]}");
        File.WriteAllBytes(file, input);
        return file;
    }
}
