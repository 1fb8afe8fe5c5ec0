using System.Reflection;

namespace BatchGen.Worker.Output;

/// <summary>Name and version of the program, as recipes record them.</summary>
internal static class ProgramVersion
{
    /// <summary>For example <c>BatchGen 0.2.0</c>.</summary>
    // The source revision follows a '+'.
    public static string Current { get; } = "BatchGen " + typeof(ProgramVersion).Assembly
        .GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0];
}
