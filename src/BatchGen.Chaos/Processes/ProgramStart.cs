namespace BatchGen.Chaos.Processes;

/// <summary>How the program under test is started.</summary>
/// <param name="File">The executable.</param>
/// <param name="First">Arguments before those of a command, such as the path of the assembly for <c>dotnet</c>.</param>
/// <param name="HomeFolder">Folder of the project, which holds <c>models/demo</c> and <c>models/demo-adapters</c>.</param>
public sealed record ProgramStart(string File, IReadOnlyList<string> First, string HomeFolder);
