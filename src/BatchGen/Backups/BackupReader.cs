using System.Formats.Tar;
using System.Text.Json;
using BatchGen.Composition;
using BatchGen.Core.Files;
using BatchGen.Dashboard.Api;
using BatchGen.Queue.Backups;

namespace BatchGen.Backups;

/// <summary>A backup that was checked: every file is as the manifest says, and none is there besides.</summary>
internal sealed class BackupReader : IAsyncDisposable
{
    // A file that is on the manifest is compared whether or not it is a link.
    private static readonly EnumerationOptions WithoutLinks = new()
    {
        RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint, IgnoreInaccessible = false,
    };

    private readonly string? _unpacked;

    private BackupReader(string folder, string? unpacked, BackupManifest manifest) =>
        (Folder, _unpacked, Manifest) = (folder, unpacked, manifest);

    /// <summary>Folder of the backup's files.</summary>
    public string Folder { get; }

    /// <summary>What the backup holds.</summary>
    public BackupManifest Manifest { get; }

    /// <summary>Opens and checks a backup.</summary>
    /// <param name="source">Folder or <c>.tar</c> file.</param>
    /// <param name="scratch">Folder in which a file is unpacked.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="CommandException">It is no backup, of another layout, or damaged; says which file.</exception>
    public static async Task<BackupReader> OpenAsync(string source, string scratch, CancellationToken cancellationToken)
    {
        var full = Path.GetFullPath(source);
        string? unpacked = null;
        try
        {
            if (File.Exists(full))
            {
                unpacked = Path.Combine(scratch, TemporaryNames.NewUnfinished("restore"));
                PrivateFiles.CreateFolder(unpacked);
                await using var tar = RegularFile.Open(full);
                await TarFile.ExtractToDirectoryAsync(tar, unpacked, overwriteFiles: false, cancellationToken);
            }

            var folder = unpacked ?? full;
            var manifest = await ReadManifestAsync(folder, full, cancellationToken);
            RequireListed(folder, manifest);
            foreach (var file in manifest.Files) await CheckAsync(folder, file, cancellationToken);
            return new BackupReader(folder, unpacked, manifest);
        }
        catch (Exception error)
        {
            if (unpacked is not null && Directory.Exists(unpacked)) Directory.Delete(unpacked, recursive: true);
            if (error is InvalidDataException or EndOfStreamException or FormatException)
                throw CommandException.BadInput($"'{full}' is no whole .tar file: {error.Message}", error);
            if (error is IrregularFileException) throw CommandException.BadInput($"'{full}' cannot be restored: {error.Message}", error);
            throw;
        }
    }

    /// <summary>The roles that the backup holds.</summary>
    public async Task<IReadOnlyList<RestoredRole>> ReadRolesAsync(CancellationToken cancellationToken)
    {
        await using var file = RegularFile.Open(Path.Combine(Folder, BackupManifest.Roles));
        return await JsonSerializer.DeserializeAsync<RestoredRole[]>(file, ApiJson.Compact, cancellationToken) ?? [];
    }

    /// <summary>Puts the files of a folder of the backup back; a file that is there already stays as it is.</summary>
    /// <returns>How many files were put back.</returns>
    public async Task<int> CopyToAsync(string name, string folder, FolderAccess access, CancellationToken cancellationToken)
    {
        var copied = 0;
        foreach (var file in Manifest.Files.Where(file => file.Path.StartsWith(name + "/", StringComparison.Ordinal)))
        {
            var to = Path.Combine(folder, file.Path[(name.Length + 1)..]);
            if (Path.Exists(to)) continue;
            OwnFiles.CreateFolder(Path.GetDirectoryName(to)!, access);
            var unfinished = TemporaryNames.NewUnfinished(to);
            await PrivateFiles.CopyAsync(Path.Combine(Folder, file.Path), unfinished, cancellationToken);
            OwnFiles.SetAccess(unfinished, access);
            File.Move(unfinished, to, overwrite: false);
            copied++;
        }

        return copied;
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        if (_unpacked is not null) Directory.Delete(_unpacked, recursive: true);
        return ValueTask.CompletedTask;
    }

    private static async Task<BackupManifest> ReadManifestAsync(string folder, string source, CancellationToken cancellationToken)
    {
        var path = Path.Combine(folder, BackupManifest.FileName);
        if (!File.Exists(path))
        {
            throw CommandException.BadInput(
                $"'{source}' is no backup: it has no {BackupManifest.FileName}. Name what 'batchgen backup' wrote.");
        }

        try
        {
            await using var file = RegularFile.Open(path);
            var manifest = await JsonSerializer.DeserializeAsync<BackupManifest>(file, ApiJson.Compact, cancellationToken);
            if (manifest is not { Format: BackupManifest.CurrentFormat, Files: not null, Schema: not null })
            {
                throw CommandException.BadInput($"'{source}' has layout {manifest?.Format}, and this program reads layout "
                    + $"{BackupManifest.CurrentFormat}. Restore it with the program that wrote it ({manifest?.Program}).");
            }

            return manifest;
        }
        catch (JsonException error)
        {
            throw CommandException.BadInput($"'{path}' cannot be read: {error.Message}", error);
        }
    }

    // What is not on the list is compared with nothing.
    private static void RequireListed(string folder, BackupManifest manifest)
    {
        var listed = new HashSet<string>(StringComparer.Ordinal);
        foreach (var file in manifest.Files)
        {
            if (file is not { Path: not null, Sha256: not null } || !listed.Add(file.Path))
                throw CommandException.BadInput($"The manifest names '{file?.Path}' twice or without a SHA-256. Use another backup.");
            // Nothing outside of the backup is read, or written later, whatever the manifest says.
            if (Path.IsPathRooted(file.Path) || file.Path.Split('/', '\\').Contains(".."))
                throw CommandException.BadInput($"The manifest names '{file.Path}', which lies outside of the backup.");
        }

        foreach (var needed in (string[])[BackupManifest.Database, BackupManifest.Roles])
        {
            if (!listed.Contains(needed))
                throw CommandException.BadInput($"The backup is not whole: its manifest lacks '{needed}'. Use another backup.");
        }

        foreach (var path in Directory.EnumerateFiles(folder, "*", WithoutLinks))
        {
            var name = Path.GetRelativePath(folder, path).Replace(Path.DirectorySeparatorChar, '/');
            if (name == BackupManifest.FileName || listed.Contains(name)) continue;
            throw CommandException.BadInput(
                $"The backup was changed: '{name}' is not on its manifest. Remove the file if it is none of the backup's.");
        }
    }

    private static async Task CheckAsync(string folder, BackupFile file, CancellationToken cancellationToken)
    {
        var path = Path.Combine(folder, file.Path);
        if (!File.Exists(path)) throw CommandException.BadInput($"The backup is not whole: '{file.Path}' is missing. Use another backup.");
        var (size, sha256) = await PrivateFiles.HashAsync(path, cancellationToken);
        if ((size, sha256) == (file.SizeBytes, file.Sha256)) return;
        throw CommandException.BadInput($"The backup is damaged: '{file.Path}' has {size} bytes and SHA-256 {sha256}, the manifest says "
            + $"{file.SizeBytes} and {file.Sha256}. Use another backup.");
    }
}
