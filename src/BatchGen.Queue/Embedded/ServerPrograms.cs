using System.Globalization;
using System.Text.RegularExpressions;

namespace BatchGen.Queue.Embedded;

/// <summary>The PostgreSQL server programs of one version installed on this machine.</summary>
/// <param name="Folder">Folder that holds <c>initdb</c>, <c>pg_ctl</c> and <c>postgres</c>.</param>
/// <param name="MajorVersion">For example 15.</param>
internal sealed partial record ServerPrograms(string Folder, int MajorVersion)
{
    // The oldest server the migrations run on.
    private const int Oldest = 14;

    private static readonly string[] Needed = ["initdb", "pg_ctl", "postgres"];

    /// <summary>Full path of a program.</summary>
    public string this[string program] => Path.Combine(Folder, program);

    /// <summary>Whether a module of the server's own distribution is installed, for example <c>pg_prewarm</c>.</summary>
    public bool HasModule(string name)
    {
        var above = Path.Combine(Folder, "..");
        return Array.Exists([Path.Combine(above, "lib"), Path.Combine(above, "lib", "postgresql")], folder => File.Exists(Path.Combine(folder, name + ".so")) || File.Exists(Path.Combine(folder, name + ".dylib")));
    }

    /// <summary>Chooses programs for a cluster of a version, or the newest when there is no cluster yet.</summary>
    /// <exception cref="QueueException">None fit; says what is installed and what to install.</exception>
    public static async Task<ServerPrograms> FindAsync(int? clusterVersion, string clusterFolder, CancellationToken cancellationToken)
    {
        var all = new List<ServerPrograms>();
        foreach (var folder in await CandidatesAsync(cancellationToken))
            if (await VersionOfAsync(folder, cancellationToken) is { } version) all.Add(new ServerPrograms(folder, version));

        var fitting = clusterVersion is { } wanted
            ? all.FirstOrDefault(programs => programs.MajorVersion == wanted)
            : all.Where(programs => programs.MajorVersion >= Oldest).MaxBy(programs => programs.MajorVersion);
        if (fitting is not null) return fitting;

        var installed = all.Count == 0 ? "none are installed" : "installed are " + string.Join(", ", all.Select(programs => $"{programs.MajorVersion} ({programs.Folder})"));
        throw new QueueException(clusterVersion is { } version2
            ? $"The database in {clusterFolder} was made by PostgreSQL {version2}, and {installed}. Install PostgreSQL {version2} (Debian, Ubuntu: apt-get install postgresql-{version2}), upgrade the cluster with pg_upgrade, or move the folder away to start with an empty one."
            : $"BatchGen needs the server programs of PostgreSQL {Oldest} or newer, and {installed}. Install them (Debian, Ubuntu: apt-get install postgresql; Fedora: dnf install postgresql-server; macOS: brew install postgresql), or set ConnectionStrings__BatchGen to a server of your own.");
    }

    private static async Task<IReadOnlyList<string>> CandidatesAsync(CancellationToken cancellationToken)
    {
        var folders = new List<string>();
        foreach (var root in new[] { "/usr/lib/postgresql", "/opt/homebrew/opt", "/usr/local/opt" })
            if (Directory.Exists(root))
                folders.AddRange(Directory.EnumerateDirectories(root).Where(name => root.EndsWith("postgresql", StringComparison.Ordinal) || Path.GetFileName(name).StartsWith("postgresql", StringComparison.Ordinal)).Select(name => Path.Combine(name, "bin")));
        folders.AddRange(Directory.Exists("/usr") ? Directory.EnumerateDirectories("/usr", "pgsql-*").Select(name => Path.Combine(name, "bin")) : []);
        folders.AddRange((Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries));
        if (await Programs.TryRunAsync("pg_config", ["--bindir"], cancellationToken) is { ExitCode: 0 } answer) folders.Add(answer.Output.Trim());

        // A link in PATH stands for the folder of the program it names, where the others are too.
        return folders
            .Where(folder => Needed.All(program => File.Exists(Path.Combine(folder, program))))
            .Select(folder => Path.GetDirectoryName(File.ResolveLinkTarget(Path.Combine(folder, "postgres"), returnFinalTarget: true)?.FullName ?? Path.Combine(folder, "postgres"))!)
            .Where(folder => Needed.All(program => File.Exists(Path.Combine(folder, program))))
            .Distinct(StringComparer.Ordinal)
            .ToArray();
    }

    private static async Task<int?> VersionOfAsync(string folder, CancellationToken cancellationToken)
    {
        var answer = await Programs.TryRunAsync(Path.Combine(folder, "postgres"), ["--version"], cancellationToken);
        var match = VersionPattern().Match(answer?.Output ?? "");
        return match.Success ? int.Parse(match.Groups["major"].Value, CultureInfo.InvariantCulture) : null;
    }

    [GeneratedRegex(@"PostgreSQL\) (?<major>\d+)", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex VersionPattern();
}
