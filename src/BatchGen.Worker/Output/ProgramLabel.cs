using System.Reflection;

namespace BatchGen.Worker.Output;

/// <summary>Name and version of the program, as recipes record them.</summary>
internal static class ProgramLabel
{
    /// <summary>For example <c>BatchGen 0.3.0</c>.</summary>
    // The source revision follows a '+'.
    public static string Current { get; } = "BatchGen " + typeof(ProgramLabel).Assembly
        .GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0];
}
