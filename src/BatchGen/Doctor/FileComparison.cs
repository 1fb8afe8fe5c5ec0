using System.Diagnostics;
using System.Security.Cryptography;
using BatchGen.Core.Files;
using BatchGen.Core.Texts;

namespace BatchGen.Doctor;

/// <summary>Compares files of this machine with what the registry recorded, and says on standard error how far it is.</summary>
internal sealed class FileComparison(CheckContext context)
{
    private const int BlockBytes = 1 << 20;
    private static readonly TimeSpan ProgressInterval = TimeSpan.FromSeconds(2);
    private long _saidAt = Stopwatch.GetTimestamp();

    /// <summary>What distinguishes a file from its record.</summary>
    /// <param name="path">Path of the file.</param>
    /// <param name="sizeBytes">Recorded length.</param>
    /// <param name="sha256">Recorded digest; not compared in a quick run.</param>
    /// <param name="cancellationToken">Stops reading.</param>
    /// <returns>Null when it is as recorded, else what is wrong, as the end of a sentence about the file.</returns>
    public async Task<string?> DifferenceAsync(string path, long sizeBytes, string sha256, CancellationToken cancellationToken)
    {
        try
        {
            var file = new FileInfo(path);
            if (!file.Exists) return "is missing";
            // A pipe or a device is not opened in a quick run, and is said to be one even where the length differs.
            if (RegularFile.KindOf(path) is { } kind) return $"is {kind} and no file";
            if (file.Length != sizeBytes) return $"has {file.Length} bytes, the registry says {sizeBytes}";
            if (context.Quick) return null;
            var found = await HashAsync(path, sizeBytes, cancellationToken);
            return found == sha256 ? null : $"has SHA-256 {found}, the registry says {sha256}";
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return $"cannot be read ({error.Message.TrimEnd('.')})";
        }
    }

    private async Task<string> HashAsync(string path, long sizeBytes, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        await using var stream = RegularFile.Open(path);
        var block = new byte[BlockBytes];
        for (long done = 0; await stream.ReadAsync(block, cancellationToken) is > 0 and var read;)
        {
            hash.AppendData(block, 0, read);
            done += read;
            if (Stopwatch.GetElapsedTime(_saidAt) < ProgressInterval) continue;
            _saidAt = Stopwatch.GetTimestamp();
            await context.Program.Error.WriteLineAsync($"Reading {path}: {Quantities.Size(done)} of {Quantities.Size(sizeBytes)}");
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
