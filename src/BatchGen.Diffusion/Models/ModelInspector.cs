using System.Security.Cryptography;
using System.Text;
using BatchGen.Core.Failures;
using BatchGen.Core.Registry;
using BatchGen.Diffusion.Safetensors;

namespace BatchGen.Diffusion.Models;

/// <summary>Tells what a base model is and hashes its files, without native torch.</summary>
public static class ModelInspector
{
    /// <summary>Reads a model's layout, checks that all its parts are there and of known kinds, and hashes every file.</summary>
    /// <param name="path">Folder of the diffusers layout.</param>
    /// <param name="name">Name to register it under.</param>
    /// <exception cref="ModelException">A part is missing, corrupt, a pickle, or of an unknown kind; the message says which and what to do.</exception>
    public static ModelRecord Inspect(string path, string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentException.ThrowIfNullOrEmpty(name);
        var full = Path.GetFullPath(path);
        var folder = ModelFolder.Read(full);
        foreach (var file in folder.Files.Where(file => file.EndsWith(".safetensors", StringComparison.Ordinal))) CheckHeader(Path.Combine(full, file));
        var files = Hash(full, folder.Files);
        return new ModelRecord(name, full, folder.Family, Combine(files), files);
    }

    /// <summary>SHA-256 over the sorted list of relative path and file hash: the model's identity.</summary>
    internal static string Combine(IEnumerable<MasterFile> files)
    {
        var list = new StringBuilder();
        foreach (var file in files.OrderBy(file => file.RelativePath, StringComparer.Ordinal)) list.Append(file.RelativePath).Append(' ').Append(file.Sha256).Append('\n');
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(list.ToString())));
    }

    /// <summary>Size and SHA-256 of files, several read at a time.</summary>
    /// <exception cref="ModelException">One is missing or cannot be read.</exception>
    internal static MasterFile[] Hash(string root, IReadOnlyList<string> relativePaths)
    {
        var files = new MasterFile[relativePaths.Count];
        try
        {
            Parallel.For(0, files.Length, i =>
            {
                var path = relativePaths[i].Length == 0 ? root : Path.Combine(root, relativePaths[i]);
                var sha256 = SafetensorsFile.HashFile(path);
                files[i] = new MasterFile(relativePaths[i], new FileInfo(path).Length, sha256);
            });
        }
        catch (AggregateException error) when (error.InnerExceptions.OfType<SafetensorsException>().FirstOrDefault() is { } first)
        {
            throw new ModelException($"Model file {first.Message}", first);
        }

        return files;
    }

    private static void CheckHeader(string path)
    {
        try
        {
            using var file = SafetensorsFile.Open(path);
        }
        catch (SafetensorsException error)
        {
            throw new ModelException($"Model file {error.Message}", error);
        }
    }
}
