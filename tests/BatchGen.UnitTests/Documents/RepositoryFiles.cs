using BatchGen.Testing;

namespace BatchGen.UnitTests.Documents;

/// <summary>Files and folders of the checkout, without what builds, tests and runs of the program leave behind.</summary>
internal static class RepositoryFiles
{
    private static readonly string[] Skipped = [".git", "bin", "obj", "out", "var", "node_modules", "reference"];

    /// <summary>Paths of all files from the root, with slashes.</summary>
    public static IReadOnlyList<string> Files { get; } = [.. Below(new DirectoryInfo(RepositoryPaths.Root), "")];

    /// <summary>Paths of all folders that hold files, with slashes and without one at the end.</summary>
    public static IReadOnlySet<string> Folders { get; } = Files.SelectMany(FoldersOf).ToHashSet(StringComparer.Ordinal);

    /// <summary>Names of the files and folders at the root.</summary>
    public static IReadOnlySet<string> TopLevel { get; } = Files.Select(file => file.Split('/')[0]).ToHashSet(StringComparer.Ordinal);

    /// <summary>The text of a file.</summary>
    /// <param name="path">Path from the root.</param>
    public static string Read(string path) => File.ReadAllText(Path.Combine(RepositoryPaths.Root, path)).ReplaceLineEndings("\n");

    /// <summary>Whether a file or folder has this path, from the root or from any folder on (<c>Worker/Batches</c> is in
    /// <c>BatchGen.Worker</c>).</summary>
    /// <param name="path">With slashes; a type's name may stand for its file.</param>
    public static bool Has(string path)
    {
        var wanted = path.TrimEnd('/');
        string[] spellings = path.EndsWith('/') ? [wanted] : [wanted, wanted + ".cs", wanted + ".razor"];
        return spellings.Any(spelling => Files.Any(file => EndsWith(file, spelling)) || Folders.Any(folder => EndsWith(folder, spelling)));
    }

    private static bool EndsWith(string path, string end) =>
        path.EndsWith(end, StringComparison.Ordinal) && (path.Length == end.Length || path[^(end.Length + 1)] is '/' or '.');

    private static IEnumerable<string> Below(DirectoryInfo folder, string prefix)
    {
        foreach (var file in folder.EnumerateFiles()) yield return prefix + file.Name;
        foreach (var below in folder.EnumerateDirectories().Where(below => !Skipped.Contains(below.Name)))
        {
            foreach (var file in Below(below, $"{prefix}{below.Name}/")) yield return file;
        }
    }

    private static IEnumerable<string> FoldersOf(string file)
    {
        for (var end = file.LastIndexOf('/'); end > 0; end = file.LastIndexOf('/', end - 1)) yield return file[..end];
    }
}
