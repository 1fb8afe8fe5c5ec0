using System.Text.RegularExpressions;
using BatchGen.Core.Imaging;

namespace BatchGen.Core.Files;

/// <summary>Names of unfinished files, which get their final name once they are whole, and of probes, which try whether a folder can be
/// written. Whoever makes or recognises such a name asks here.</summary>
public static partial class TemporaryNames
{
    /// <summary>What the name of an image ends with while it is being written.</summary>
    public const string UnfinishedExtension = ".part";

    /// <summary>Pattern that finds files which may be probes; <see cref="IsProbe"/> says which are.</summary>
    public const string ProbePattern = ProbeStart + "*";

    private const string ProbeStart = ".probe-";

    // A Guid without hyphens.
    private const string RandomDigits = "[0-9a-f]{32}";

    /// <summary>A name for a file while it is being written, which no other process gives to one of its own.</summary>
    /// <param name="final">Path or name that the file gets once it is whole.</param>
    public static string NewUnfinished(string final) => $"{final}{UnfinishedExtension}-{Guid.NewGuid():N}";

    /// <summary>A name for a probe.</summary>
    /// <remarks>Unlike that of a process, a random number is not given again to another process, or by another machine to one of its
    /// own.</remarks>
    public static string NewProbe() => $"{ProbeStart}{Guid.NewGuid():N}";

    /// <summary>Whether a file is named as a probe is.</summary>
    public static bool IsProbe(string name) => Probe().IsMatch(name);

    /// <summary>Whether a file is named exactly as this program names unfinished files and probes: a name that only looks like one, such
    /// as <c>my.party.png</c>, is somebody's.</summary>
    public static bool IsTemporary(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return IsProbe(name) || Unfinished().IsMatch(name)
            || (name.EndsWith(UnfinishedExtension, StringComparison.Ordinal) && ImagePaths.Read(name) is not null);
    }

    // The number of a process (up to 0.2.0), or a random one.
    [GeneratedRegex(
        @"^\" + ProbeStart + @"(\d{1,10}|" + RandomDigits + @")\z",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex Probe();

    // The second form is that of start images up to 0.3.0.
    [GeneratedRegex(
        @".\" + UnfinishedExtension + "-" + RandomDigits + @"\z|^[0-9a-f]{64}\.(png|webp|jpg)\." + RandomDigits + @"\"
            + UnfinishedExtension + @"\z",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex Unfinished();
}
