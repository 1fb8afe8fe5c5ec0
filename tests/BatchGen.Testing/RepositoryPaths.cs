namespace BatchGen.Testing;

/// <summary>Folders of the checkout the tests run in.</summary>
public static class RepositoryPaths
{
    public static string Root { get; } = FindRoot();

    public static string Models => Path.Combine(Root, "models");

    public static string Reference => Path.Combine(Root, "tests", "reference");

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "BatchGen.sln"))) return folder.FullName;
        throw new InvalidOperationException(
            $"BatchGen.sln was not found above {AppContext.BaseDirectory}; run the tests inside a checkout.");
    }
}
