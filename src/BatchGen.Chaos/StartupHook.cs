using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;

/// <summary>Loaded by .NET into a worker process before its first line (<c>DOTNET_STARTUP_HOOKS</c>): kills the process at a named point,
/// which the variable <c>BATCHGEN_CHAOS_KILL</c> says. The program itself knows nothing of it.</summary>
/// <remarks>The name and the missing namespace are what .NET asks for. Points: <see cref="BatchGen.Chaos.Killing.KillingPoint"/>.</remarks>
[SuppressMessage("Design", "CA1050", Justification = "A startup hook has no namespace.")]
[SuppressMessage("Design", "MA0047", Justification = "A startup hook has no namespace.")]
internal static class StartupHook
{
    private static FileSystemWatcher? _watcher;

    /// <summary>Called by .NET.</summary>
    public static void Initialize()
    {
        if (Environment.GetEnvironmentVariable("BATCHGEN_CHAOS_KILL") is not { Length: > 0 } text) return;
        var point = text.Split(' ', 3);
        switch (point[0])
        {
            case "span": Listen("BatchGen", point[2], atEnd: point[1] == "end"); break;
            case "statement": Listen("Npgsql", point[2], atEnd: true); break;
            case "file": Watch(point[1], point[2]); break;
            default: throw new InvalidOperationException($"BATCHGEN_CHAOS_KILL: unknown point '{text}'.");
        }
    }

    private static void Listen(string source, string name, bool atEnd)
    {
        var listener = new ActivityListener
        {
            ShouldListenTo = candidate => candidate.Name == source,
            Sample = static (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStarted = activity =>
            {
                if (!atEnd && activity.OperationName == name) Kill();
            },
            ActivityStopped = activity =>
            {
                if (atEnd && Names(activity, name)) Kill();
            },
        };
        ActivitySource.AddActivityListener(listener);
    }

    // A span by its name, a statement by what it calls.
    private static bool Names(Activity activity, string name) => activity.OperationName == name || activity.TagObjects.Any(tag =>
        Convert.ToString(tag.Value, CultureInfo.InvariantCulture)!.Contains(name + "(", StringComparison.Ordinal));

    private static void Watch(string extension, string folder)
    {
        _watcher = new FileSystemWatcher(folder) { IncludeSubdirectories = true, EnableRaisingEvents = true };
        _watcher.Created += (_, change) => KillAt(change.FullPath);
        _watcher.Renamed += (_, change) => KillAt(change.FullPath);

        void KillAt(string file)
        {
            if (file.EndsWith(extension, StringComparison.Ordinal)) Kill();
        }
    }

    private static void Kill() => Process.GetCurrentProcess().Kill();
}
