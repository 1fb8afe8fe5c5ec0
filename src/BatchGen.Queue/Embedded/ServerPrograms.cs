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
    private static readonly string[] NeededToDump = ["pg_dump", "pg_restore"];

    /// <summary>Full path of a program.</summary>
    public string this[string program] => Path.Combine(Folder, program);

    /// <summary>Whether a module of the server's own distribution is installed, for example <c>pg_prewarm</c>.</summary>
    public bool HasModule(string name)
    {
        var libraries = Path.Combine(Folder, "..", "lib");
        return Array.Exists([libraries, Path.Combine(libraries, "postgresql")],
            folder => File.Exists(Path.Combine(folder, name + ".so")) || File.Exists(Path.Combine(folder, name + ".dylib")));
    }

    /// <summary>Chooses programs for a cluster of a version, or the newest when there is no cluster yet.</summary>
    /// <exception cref="QueueException">None fit; says what is installed and what to install.</exception>
    public static async Task<ServerPrograms> FindAsync(int? clusterVersion, string clusterFolder, CancellationToken cancellationToken)
    {
        var all = new List<ServerPrograms>();
        foreach (var folder in await CandidatesAsync(Needed, cancellationToken))
            if (await VersionOfAsync(folder, "postgres", cancellationToken) is { } version) all.Add(new ServerPrograms(folder, version));

        var fitting = clusterVersion is { } wanted
            ? all.FirstOrDefault(programs => programs.MajorVersion == wanted)
            : all.Where(programs => programs.MajorVersion >= Oldest).MaxBy(programs => programs.MajorVersion);
        if (fitting is not null) return fitting;

        var installed = all.Count == 0
            ? "none are installed"
            : "installed are " + string.Join(", ", all.Select(programs => $"{programs.MajorVersion} ({programs.Folder})"));
        throw new QueueException(clusterVersion is { } made
            ? $"The database in {clusterFolder} was made by PostgreSQL {made}, and {installed}. Install PostgreSQL {made} "
                + "(Debian, Ubuntu: apt-get install "
                + $"postgresql-{made}), upgrade the cluster with pg_upgrade, or move the folder away to start with an empty one."
            : $"BatchGen needs the server programs of PostgreSQL {Oldest} or newer, and {installed}. "
                + "Install them (Debian, Ubuntu: apt-get install "
                + "postgresql; Fedora: dnf install postgresql-server; macOS: brew install postgresql), or set "
                + "ConnectionStrings__BatchGen to a server of your own.");
    }

    /// <summary>Chooses programs that save and restore databases of a server: those of its own version, else the next newer ones.</summary>
    /// <exception cref="QueueException">None fit; says what to install.</exception>
    public static async Task<ServerPrograms> FindDumpProgramsAsync(int serverVersion, CancellationToken cancellationToken)
    {
        var all = new List<ServerPrograms>();
        foreach (var folder in await CandidatesAsync(NeededToDump, cancellationToken))
            if (await VersionOfAsync(folder, "pg_dump", cancellationToken) is { } version) all.Add(new ServerPrograms(folder, version));
        var fitting = all.Where(programs => programs.MajorVersion >= serverVersion).MinBy(programs => programs.MajorVersion);
        if (fitting is not null) return fitting;
        throw new QueueException(
            $"Saving and restoring need pg_dump and pg_restore of PostgreSQL {serverVersion} or newer, and this machine has none. "
                + $"Install them (Debian, Ubuntu: apt-get install postgresql-client-{serverVersion}).");
    }

    private static async Task<IReadOnlyList<string>> CandidatesAsync(string[] needed, CancellationToken cancellationToken)
    {
        var folders = new List<string>();
        // Debian, then Homebrew on both kinds of Mac, then the packages of postgresql.org for Fedora and its like
        foreach (var (root, pattern) in new[]
        {
            ("/usr/lib/postgresql", "*"), ("/opt/homebrew/opt", "postgresql*"), ("/usr/local/opt", "postgresql*"), ("/usr", "pgsql-*"),
        })
        {
            if (Directory.Exists(root))
                folders.AddRange(Directory.EnumerateDirectories(root, pattern).Select(name => Path.Combine(name, "bin")));
        }

        folders.AddRange(
            (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries));
        if (await Programs.TryRunAsync("pg_config", ["--bindir"], cancellationToken) is { ExitCode: 0 } answer)
            folders.Add(answer.Output.Trim());

        return folders.Where(HasPrograms).Select(folder => FollowLink(folder, needed[^1])).Where(HasPrograms)
            .Distinct(StringComparer.Ordinal).ToArray();

        bool HasPrograms(string folder) => needed.All(program => File.Exists(Path.Combine(folder, program)));
    }

    // A link to a program in PATH leads to the folder where the other programs are too.
    private static string FollowLink(string folder, string name)
    {
        var program = Path.Combine(folder, name);
        return Path.GetDirectoryName(File.ResolveLinkTarget(program, returnFinalTarget: true)?.FullName ?? program)!;
    }

    private static async Task<int?> VersionOfAsync(string folder, string program, CancellationToken cancellationToken)
    {
        var answer = await Programs.TryRunAsync(Path.Combine(folder, program), ["--version"], cancellationToken);
        var match = VersionPattern().Match(answer?.Output ?? "");
        return match.Success ? int.Parse(match.Groups["major"].Value, CultureInfo.InvariantCulture) : null;
    }

    [GeneratedRegex(@"PostgreSQL\) (?<major>\d+)", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex VersionPattern();
}
