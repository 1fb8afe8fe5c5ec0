using System.Text.RegularExpressions;

namespace BatchGen.Core.Failures;

/// <summary>
/// Makes failure messages fit for producers: files are named without the folders a server keeps them in. The log has the whole message.
/// </summary>
public static partial class FailureText
{
    /// <summary>Leaves only the file name of every absolute path in a message.</summary>
    public static string WithoutFolders(string message)
    {
        ArgumentNullException.ThrowIfNull(message);
        return AbsolutePath().Replace(message, "${before}${name}");
    }

    // In quotes a path may hold spaces; without, it ends at one. A '/' inside of a word or an address begins no path.
    [GeneratedRegex(
        @"(?<before>['""])(?:/|[A-Za-z]:[\\/]|\\\\)(?:[^'""]*[\\/])?(?<name>[^'""\\/]+['""])"
        + @"|(?<before>^|[\s(=,;])(?:/|[A-Za-z]:[\\/])(?:[^\s'""\\/]+[\\/])+",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex AbsolutePath();
}
