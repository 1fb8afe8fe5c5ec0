using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace BatchGen.Queue.Sql;

/// <summary>One file of <c>db/functions</c>: a view of the file's name, or a function or procedure of that name, or
/// several generated ones; or comments alone.</summary>
/// <param name="Name">File name without folder and ending.</param>
/// <param name="Text">Its statements.</param>
internal sealed partial record SchemaFile(string Name, string Text)
{
    /// <summary>Names of the functions and procedures that it makes.</summary>
    public IReadOnlyList<string> Routines { get; } = [.. RoutineName().Matches(Text).Select(match => match.Groups["name"].Value)];

    /// <summary>True for a view.</summary>
    public bool IsView => Text.Contains("create or replace view", StringComparison.Ordinal);

    /// <summary>Digest of the text, so that a changed file is noticed.</summary>
    public string Sha256 { get; } = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Text)));

    [GeneratedRegex(@"^create or replace (function|procedure) (?<name>\w+)", RegexOptions.Multiline | RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 1000)]
    private static partial Regex RoutineName();
}

/// <summary>A migration, which is applied once, in the order of its number.</summary>
/// <param name="Name">File name without its ending.</param>
/// <param name="Text">Its statements.</param>
internal sealed record Migration(string Name, string Text)
{
    /// <summary>The number its name begins with.</summary>
    public int Number => int.Parse(Name.AsSpan(0, 4), NumberStyles.None, CultureInfo.InvariantCulture);

    /// <summary>True for steps that may not run in a transaction (<c>concurrently</c>); such a file holds one statement.</summary>
    public bool RunsAlone => Name.EndsWith(".concurrently", StringComparison.Ordinal);

    /// <summary>Digest of the text, so that an edited migration is noticed.</summary>
    public string Sha256 { get; } = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Text)));
}
