using System.Formats.Tar;
using System.Globalization;
using System.Reflection;
using System.Text.Json;
using BatchGen.Composition;
using BatchGen.Core.Files;
using BatchGen.Dashboard.Api;
using BatchGen.Queue.Backups;

namespace BatchGen.Backups;

/// <summary>Writes a backup: under a temporary name beside the final one, and moved there once it is whole.</summary>
internal sealed class BackupWriter(ProgramContext context, Settings settings, DatabaseBackup database)
{
    private const string TarExtension = ".tar";

    private readonly List<BackupFile> _files = [];
    private readonly List<string> _unsaved = [];

    /// <summary>What could not be saved, one line for each: links, named pipes and devices.</summary>
    public IReadOnlyList<string> Unsaved => _unsaved;

    /// <summary>Writes the backup.</summary>
    /// <param name="target">A folder that is there, in which a folder named by the time is made; or the name of the backup: a folder, or a
    /// file that ends in <c>.tar</c>.</param>
    /// <param name="withImages">Whether image files are saved too.</param>
    /// <param name="cancellationToken">Stops it; nothing of it stays then.</param>
    /// <returns>Path of the backup, and what it holds.</returns>
    /// <exception cref="CommandException">There is something of that name, or a file or folder cannot be read.</exception>
    public async Task<(string Path, BackupManifest Manifest)> WriteAsync(
        string target, bool withImages, CancellationToken cancellationToken)
    {
        var now = context.Clock.GetUtcNow();
        var final = Path.GetFullPath(target);
        if (Directory.Exists(final))
            final = Path.Combine(final, now.ToString("'batchgen-'yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture));
        if (Path.Exists(final)) throw CommandException.BadInput($"'{final}' is there already; a backup never replaces anything.");
        Directory.CreateDirectory(Path.GetDirectoryName(final)!);
        var unfinished = TemporaryNames.NewUnfinished(final);
        try
        {
            PrivateFiles.CreateFolder(unfinished);
            var manifest = await FillAsync(unfinished, now, withImages, cancellationToken);
            if (final.EndsWith(TarExtension, StringComparison.OrdinalIgnoreCase)) await PackAsync(unfinished, final, cancellationToken);
            else Directory.Move(unfinished, final);
            return (final, manifest);
        }
        finally
        {
            if (Directory.Exists(unfinished)) Directory.Delete(unfinished, recursive: true);
        }
    }

    private async Task<BackupManifest> FillAsync(
        string folder, DateTimeOffset now, bool withImages, CancellationToken cancellationToken)
    {
        // The database first: whatever image or start image it names is there by now.
        var dump = Path.Combine(folder, BackupManifest.Database);
        await database.DumpAsync(dump, cancellationToken);
        PrivateFiles.Close(dump);
        await AddAsync(folder, BackupManifest.Database, cancellationToken);
        var roles = await database.ListRolesAsync(cancellationToken);
        await WriteJsonAsync(Path.Combine(folder, BackupManifest.Roles), roles, cancellationToken);
        await AddAsync(folder, BackupManifest.Roles, cancellationToken);
        if (File.Exists(Settings.File)) await CopyAsync(Settings.File, folder, BackupManifest.Settings, cancellationToken);
        foreach (var (name, path, _) in BackedUpFolders.Of(settings))
            if (withImages || name != BackedUpFolders.Images) await CopyFolderAsync(path, folder, name, cancellationToken);
        var manifest = new BackupManifest(
            BackupManifest.CurrentFormat, ProgramVersion, now, settings.Options.Queue.Schema,
            await database.ServerVersionAsync(cancellationToken), _files);
        await WriteJsonAsync(Path.Combine(folder, BackupManifest.FileName), manifest, cancellationToken);
        return manifest;
    }

    private static string ProgramVersion =>
        typeof(BackupWriter).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];

    private static async Task WriteJsonAsync<T>(string path, T value, CancellationToken cancellationToken)
    {
        await using var file = PrivateFiles.Create(path);
        await JsonSerializer.SerializeAsync(file, value, ApiJson.Indented, cancellationToken);
        file.Flush(flushToDisk: true);
    }

    private async Task CopyFolderAsync(string from, string folder, string name, CancellationToken cancellationToken)
    {
        foreach (var file in FolderFiles.List(from))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (file.Unsaved is { } kind)
            {
                _unsaved.Add($"{file.Path} is {kind}");
                continue;
            }

            var relative = name + "/" + Path.GetRelativePath(from, file.Path).Replace(Path.DirectorySeparatorChar, '/');
            await CopyAsync(file.Path, folder, relative, cancellationToken);
        }
    }

    private async Task CopyAsync(string from, string folder, string relative, CancellationToken cancellationToken)
    {
        var to = Path.Combine(folder, relative);
        PrivateFiles.CreateFolder(Path.GetDirectoryName(to)!);
        try
        {
            var (size, sha256) = await PrivateFiles.CopyAsync(from, to, cancellationToken);
            _files.Add(new BackupFile(relative, size, sha256));
        }
        catch (Exception gone) when (gone is FileNotFoundException or DirectoryNotFoundException && !File.Exists(from))
        {
            // It was removed meanwhile.
            File.Delete(to);
        }
        catch (IrregularFileException)
        {
            // It came in the place of a file meanwhile.
            _unsaved.Add($"{from} is {RegularFile.KindOf(from) ?? "no regular file"}");
            File.Delete(to);
        }
        catch (UnauthorizedAccessException error)
        {
            throw FolderFiles.NotWhole(from, error);
        }
    }

    private async Task AddAsync(string folder, string relative, CancellationToken cancellationToken)
    {
        var (size, sha256) = await PrivateFiles.HashAsync(Path.Combine(folder, relative), cancellationToken);
        _files.Add(new BackupFile(relative, size, sha256));
    }

    private static async Task PackAsync(string folder, string final, CancellationToken cancellationToken)
    {
        var unfinished = folder + TarExtension;
        try
        {
            await using (var file = PrivateFiles.Create(unfinished))
            {
                await TarFile.CreateFromDirectoryAsync(folder, file, includeBaseDirectory: false, cancellationToken);
                file.Flush(flushToDisk: true);
            }

            File.Move(unfinished, final, overwrite: false);
        }
        finally
        {
            File.Delete(unfinished);
        }
    }
}
