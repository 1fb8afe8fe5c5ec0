using System.Diagnostics;

namespace BatchGen.Chaos.Processes;

/// <summary>How the program under test is started.</summary>
/// <param name="File">The executable.</param>
/// <param name="First">Arguments before those of a command, such as the path of the assembly for <c>dotnet</c>.</param>
/// <param name="HomeFolder">Folder of the project, which holds <c>models/demo</c> and <c>models/demo-adapters</c>.</param>
public sealed record ProgramStart(string File, IReadOnlyList<string> First, string HomeFolder)
{
    private static readonly string[] Settings = ["BatchGen__", "ConnectionStrings__"];

    /// <summary>Gives a process its variables, and takes away the settings that this process got for itself.</summary>
    internal static void SetVariables(ProcessStartInfo start, IReadOnlyDictionary<string, string> variables)
    {
        foreach (var name in start.Environment.Keys.Where(IsSetting).ToArray()) start.Environment.Remove(name);
        foreach (var (name, value) in variables) start.Environment[name] = value;
    }

    private static bool IsSetting(string name) =>
        Array.Exists(Settings, setting => name.StartsWith(setting, StringComparison.OrdinalIgnoreCase));
}
