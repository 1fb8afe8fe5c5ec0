using BatchGen.Composition;

namespace BatchGen.Doctor;

/// <summary>Whether the settings can be used, and whether others can read a password in them.</summary>
internal sealed class SettingsCheck() : DoctorCheck("settings", needsDatabase: false)
{
    private const UnixFileMode ReadableByOthers = UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    /// <inheritdoc/>
    public override async IAsyncEnumerable<Finding> RunAsync(
        CheckContext context, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.CompletedTask;
        foreach (var problem in context.SettingProblems)
        {
            yield return Wrong(
                problem, Settings.File, "Mend it in the settings file or in the environment; no other command starts until then.");
        }

        if (context.SettingProblems.Count == 0) yield return Ok("The settings can be used.", Settings.File);
        if (Settings.FileNamesServer(context.Program) && !OperatingSystem.IsWindows()
            && (File.GetUnixFileMode(Settings.File) & ReadableByOthers) != UnixFileMode.None)
        {
            yield return Warning(
                "The settings file names the database, perhaps with its password, and other users of this machine can read it.",
                Settings.File,
                "Name it in the environment (ConnectionStrings__BatchGen), or run: chmod 600 on the file.");
        }
    }
}
