using System.CommandLine;
using BatchGen.Backups;
using BatchGen.Composition;
using BatchGen.Core.Texts;

namespace BatchGen.Commands;

/// <summary><c>batchgen backup</c>: saves the database and what else is state.</summary>
internal static class BackupCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(ProgramContext context)
    {
        var target = new Argument<string>("TARGET")
        {
            Description =
                "A folder that is there, in which a backup named by the time is made; or the name of the backup: a new folder, or a file "
                + "that ends in .tar.",
        };
        var images = new Option<bool>("--images") { Description = "Save image files too." };
        const string Purpose = "Save the database with its roles, login keys, settings file, reports and start images.";
        var command = new Command("backup", Purpose) { target, images };
        command.SetAction(async (arguments, cancellationToken) =>
        {
            var settings = Settings.Read(context);
            await using var database = await BareDatabase.OpenAsync(context, settings, arguments, cancellationToken);
            var writer = new BackupWriter(context, settings, database.Backup);
            var (path, manifest) =
                await writer.WriteAsync(arguments.GetRequiredValue(target), arguments.GetValue(images), cancellationToken);
            var size = Quantities.Size(manifest.Files.Sum(file => file.SizeBytes));
            await context.Output.WriteLineAsync($"Wrote {path} ({Quantities.Count(manifest.Files.Count, "file")}, {size})");
            foreach (var line in writer.Unsaved)
                await context.Error.WriteLineAsync($"batchgen: Not in the backup: {line}. Save it yourself if it is needed.");
            return ExitCodes.Success;
        });
        HelpWithExamples.Add(
            command, "batchgen backup /backups", "batchgen backup before-upgrade.tar", "batchgen backup /backups/all --images");
        return command;
    }
}
