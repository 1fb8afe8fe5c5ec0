using System.Reflection;

namespace BatchGen.UnitTests;

/// <summary>Arrows point from the program to libraries to Core, never sideways.</summary>
public class ArchitectureTests
{
    public static TheoryData<string, string[]> Allowed { get; } = new()
    {
        { "BatchGen.Core", [] },
        { "BatchGen.Queue", ["BatchGen.Core", "Npgsql", "Dapper", "Microsoft.Extensions"] },
        { "BatchGen.Diffusion", [
            "BatchGen.Core", "TorchSharp", "System.IO.Hashing", "Microsoft.ML.Tokenizers", "Microsoft.Extensions", "Google.Protobuf",
        ] },
        { "BatchGen.Imaging", ["BatchGen.Core", "Magick.NET", "SixLabors.ImageSharp", "System.IO.Hashing"] },
        { "BatchGen.Worker", [
            "BatchGen.Core", "BatchGen.Queue", "BatchGen.Diffusion", "BatchGen.Imaging", "Npgsql", "Microsoft.Extensions",
        ] },
        { "BatchGen.Chaos", ["BatchGen.Core", "BatchGen.Queue", "BatchGen.Imaging", "Npgsql"] },
        { "BatchGen.Dashboard", ["BatchGen.Core",
            "BatchGen.Queue", "Hangfire", "Cronos", "Npgsql", "Microsoft.Extensions", "Microsoft.AspNetCore",
            "Microsoft.Net", "Microsoft.OpenApi", "Newtonsoft.Json"] },
    };

    [Theory]
    [MemberData(nameof(Allowed))]
    public void A_project_references_only_what_it_may(string project, string[] allowed)
    {
        var references = Assembly.Load(project).GetReferencedAssemblies().Select(name => name.Name!).Where(name => !IsBaseLibrary(name));
        Assert.DoesNotContain(references,
            reference => !allowed.Any(prefix => reference == prefix || reference.StartsWith(prefix + ".", StringComparison.Ordinal)
                || (prefix is "Magick.NET" && reference.StartsWith(prefix, StringComparison.Ordinal))));
    }

    [Fact]
    public void The_dashboard_does_not_reach_torch()
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var queue = new Queue<string>(["BatchGen.Dashboard"]);
        while (queue.TryDequeue(out var name))
        {
            if (!seen.Add(name)) continue;
            foreach (var reference in Assembly.Load(name).GetReferencedAssemblies()
                .Where(reference => reference.Name!.StartsWith("BatchGen", StringComparison.Ordinal)))
                queue.Enqueue(reference.Name!);
        }

        Assert.DoesNotContain("BatchGen.Diffusion", seen);
        Assert.DoesNotContain("BatchGen.Worker", seen);
    }

    // System.IO.Hashing is a package of its own; the other System assemblies come with .NET.
    private static bool IsBaseLibrary(string name) =>
        name is "netstandard" or "mscorlib" or "Microsoft.Win32.Primitives"
        || (name.StartsWith("System", StringComparison.Ordinal) && name != "System.IO.Hashing");
}
