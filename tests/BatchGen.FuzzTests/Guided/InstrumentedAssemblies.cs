using System.Reflection;
using System.Runtime.Loader;

namespace BatchGen.FuzzTests.Guided;

/// <summary>Loads instrumented copies of the assemblies under test, and a second copy of this one that is bound to them.</summary>
/// <remarks>The second copy shares only types of the runtime with the first, so targets cross over as delegates and bytes.</remarks>
internal sealed class InstrumentedAssemblies : AssemblyLoadContext
{
    private static readonly string[] Names = ["BatchGen.Core", "BatchGen.Diffusion", "BatchGen.Imaging"];
    private static readonly Lazy<InstrumentedAssemblies> Single = new(() => new InstrumentedAssemblies());

    private readonly string _folder = Directory.CreateTempSubdirectory("batchgen-fuzz-").FullName;

    private InstrumentedAssemblies()
        : base("instrumented")
    {
        CoverageMap.Prepare();
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(_folder, recursive: true);
        foreach (var name in Names)
        {
            var copy = Path.Combine(_folder, name + ".dll");
            File.Copy(Path.Combine(AppContext.BaseDirectory, name + ".dll"), copy);
            SharpFuzz.Fuzzer.Instrument(copy, type => type.StartsWith("BatchGen", StringComparison.Ordinal), SharpFuzz.Options.Value);
        }
    }

    /// <summary>The targets, bound to the instrumented assemblies.</summary>
    public static IReadOnlyList<FuzzTarget> Targets { get; } = [.. Read()];

    private static Assembly Own => typeof(InstrumentedAssemblies).Assembly;

    protected override Assembly? Load(AssemblyName assemblyName)
    {
        if (Names.Contains(assemblyName.Name, StringComparer.Ordinal))
            return LoadFromAssemblyPath(Path.Combine(_folder, assemblyName.Name + ".dll"));
        return assemblyName.Name == Own.GetName().Name ? LoadFromAssemblyPath(Own.Location) : null;
    }

    // As tuples of the runtime's own types, since FuzzTarget of the copy is another type than FuzzTarget here.
    private static IEnumerable<FuzzTarget> Read()
    {
        var assembly = Single.Value.LoadFromAssemblyPath(Own.Location);
        var type = assembly.GetType(typeof(Targets.FuzzTargets).FullName!, throwOnError: true)!;
        var parts = (IEnumerable<object[]>)type.GetMethod(nameof(BatchGen.FuzzTests.Targets.FuzzTargets.Parts))!.Invoke(null, null)!;
        foreach (var part in parts)
        {
            yield return new FuzzTarget(
                (string)part[0], (Action<byte[]>)part[1], (Func<Exception, bool>)part[2], (IReadOnlyList<byte[]>)part[3],
                (IReadOnlyList<byte[]>)part[4], (int)part[5], (int)part[6]);
        }
    }
}
