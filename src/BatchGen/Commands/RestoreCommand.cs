using System.CommandLine;
using System.Globalization;
using BatchGen.Backups;
using BatchGen.Composition;
using BatchGen.Core.Texts;
using BatchGen.Queue.Backups;
using BatchGen.Queue.Inspection;
using BatchGen.Queue.Migrations;
using BatchGen.Queue.Sql;

namespace BatchGen.Commands;

/// <summary><c>batchgen restore</c>: puts a backup into an empty database.</summary>
internal static class RestoreCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(ProgramContext context)
    {
        var source = new Argument<string>("SOURCE") { Description = "What 'batchgen backup' wrote: a folder, or a .tar file." };
        var replace = new Option<bool>("--replace") { Description = "Drop what the database holds of BatchGen." };
        const string Purpose =
            "Put a backup into an empty database, and its files into the data folder. Jobs that were running wait again.";
        var command = new Command("restore", Purpose) { source, replace };
        command.SetAction(async (arguments, cancellationToken) =>
        {
            var settings = Settings.Read(context);
            Directory.CreateDirectory(settings.DataFolder);
            await using var backup =
                await BackupReader.OpenAsync(arguments.GetRequiredValue(source), settings.DataFolder, cancellationToken);
            if (backup.Manifest.Schema != settings.Options.Queue.Schema)
            {
                throw CommandException.BadInput($"The backup is of schema '{backup.Manifest.Schema}', and BatchGen:Queue:Schema is "
                    + $"'{settings.Options.Queue.Schema}'. Set it to the backup's.");
            }

            await using var database = await BareDatabase.OpenAsync(context, settings, arguments, cancellationToken);
            await RequireEmptyAsync(database, arguments.GetValue(replace), cancellationToken);
            var newLogins = await database.Backup.CreateRolesAsync(await backup.ReadRolesAsync(cancellationToken), cancellationToken);
            var (running, owner) = await ReplaceAsync(context, database, backup, cancellationToken);
            var files = await RestoreFilesAsync(context, settings, backup, cancellationToken);
            var line = string.Create(CultureInfo.InvariantCulture,
                $"Restored the backup of {backup.Manifest.CreatedAt:u} with {Quantities.Count(files, "file")}; "
                    + $"{Quantities.Count(running, "job that was running waits", "jobs that were running wait")} again");
            await context.Output.WriteLineAsync(line);
            string[] withoutPassword = owner is { IsNew: true } ? [.. newLogins, owner.Name] : [.. newLogins];
            var statements = withoutPassword.Select(name => $"alter role {QuotedName.Of(name)} password '...'").ToArray();
            if (statements.Length > 0)
            {
                await context.Error.WriteLineAsync("batchgen: Logins were made without a password, since the backup has none of them. "
                    + $"Give each one: {string.Join("; ", statements)}");
            }

            return ExitCodes.Success;
        });
        HelpWithExamples.Add(
            command, "batchgen restore /backups/batchgen-20261130T070000Z", "batchgen restore before-upgrade.tar --replace");
        return command;
    }

    // What the database held is dropped only once the backup has taken its place; from then on nothing goes back.
    private static async Task<(int Running, RestoredOwner? Owner)> ReplaceAsync(
        ProgramContext context, BareDatabase database, BackupReader backup, CancellationToken cancellationToken)
    {
        var hadSchemas = await database.Backup.PutAsideAsync(cancellationToken);
        int running;
        RestoredOwner? owner;
        try
        {
            var dump = Path.Combine(backup.Folder, BackupManifest.Database);
            await database.Backup.RestoreAsync(dump, backup.Manifest.Server, cancellationToken);
            await new Migrator(database.Queue).MigrateAsync(cancellationToken);
            running = await database.Backup.ResumeAsync(cancellationToken);
            owner = await database.Backup.GiveToOwnerAsync(dump, cancellationToken);
            if (owner is { Problem: { } problem })
            {
                var statements = await database.Backup.ListOwnerStatementsAsync(owner.Name, cancellationToken);
                await context.Error.WriteLineAsync(
                    $"batchgen: What was restored belongs to this login and not to '{owner.Name}': {problem}. Run as a superuser: "
                        + $"{string.Join("; ", statements)}; and then, as a superuser too: batchgen migrate, which gives it all that "
                        + "they hold.");
            }
        }
        catch
        {
            await database.Backup.PutBackAsync(hadSchemas, CancellationToken.None);
            await context.Error.WriteLineAsync("batchgen: The backup was not restored; the database is as it was before.");
            throw;
        }

        await database.Backup.DropAsideAsync(CancellationToken.None);
        return (running, owner);
    }

    private static async Task RequireEmptyAsync(BareDatabase database, bool replace, CancellationToken cancellationToken)
    {
        if (await database.Backup.FindAsideAsync(cancellationToken) is { } aside)
        {
            if (!aside.IsAlone)
            {
                throw CommandException.BadInput($"The database holds schema '{aside.Schema}' and, put aside, schema '{aside.Name}'. An "
                    + $"earlier restore was interrupted after it had ended: look which of them you want, and drop the other: drop schema "
                    + $"{QuotedName.Of(aside.Name)} cascade");
            }

            // A restore was interrupted; its workers were stopped before it, and none can have started since (Migrator).
            if (replace) return;
            throw CommandException.BadInput($"A restore with --replace was interrupted, and what it was to replace lies in schema "
                + $"'{aside.Name}'. Run it again with --replace.");
        }

        if (await database.Backup.CountObjectsAsync(cancellationToken) == 0) return;
        if (!replace)
        {
            throw CommandException.BadInput(
                "The database is not empty. Name an empty one in ConnectionStrings__BatchGen, or drop what it holds of BatchGen with "
                    + "--replace.");
        }

        var workers = await new ServerInspector(database.Queue).CountLivingWorkersAsync(cancellationToken);
        if (workers > 0)
        {
            throw CommandException.BadInput($"{Quantities.Count(workers, "worker still uses", "workers still use")} the database. "
                + "Stop them and the dashboard first.");
        }
    }

    private static async Task<int> RestoreFilesAsync(
        ProgramContext context, Settings settings, BackupReader backup, CancellationToken cancellationToken)
    {
        var files = 0;
        foreach (var (name, path, access) in BackedUpFolders.Of(settings))
            files += await backup.CopyToAsync(name, path, access, cancellationToken);
        if (backup.Manifest.Files.All(file => file.Path != BackupManifest.Settings)) return files;
        var saved = Path.Combine(backup.Folder, BackupManifest.Settings);
        // The settings that this program runs with stay: the other machine's paths may not be this one's.
        var beside = Path.Combine(settings.DataFolder, "appsettings.restored.json");
        File.Delete(beside);
        await PrivateFiles.CopyAsync(saved, beside, cancellationToken);
        await context.Output.WriteLineAsync($"The settings of the backup lie in {beside}; compare them with {Settings.File}");
        return files + 1;
    }
}
