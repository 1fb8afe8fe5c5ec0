using System.Reflection;

namespace BatchGen.Queue.Migrations;

/// <summary>Versions of programs, as the schema names them.</summary>
internal static class ProgramVersion
{
    /// <summary>
    /// The oldest program that the schema of this program still serves. Raise it in the change that makes an older program fail: one that
    /// takes away or renames what the older program's queries name, or lets their writes break a rule. docs/upgrading.md says how to avoid
    /// that.
    /// </summary>
    public static Version OldestServed { get; } = new(0, 2, 0);

    /// <summary>The version of this program.</summary>
    public static Version Current { get; } = Parse(
        typeof(ProgramVersion).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion);

    /// <summary>Reads a semantic version such as <c>1.2.3-beta.1+commit</c>; what follows the three numbers does not count.</summary>
    public static Version Parse(string text) => Version.Parse(text.Split('-', '+')[0]);
}
