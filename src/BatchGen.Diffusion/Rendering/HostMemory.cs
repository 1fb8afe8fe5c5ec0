using System.Runtime.InteropServices;

namespace BatchGen.Diffusion.Rendering;

/// <summary>How native memory is given out and taken back.</summary>
/// <remarks>
/// glibc hands every large tensor fresh pages from the system and returns them when the tensor dies: zeroing them at first touch took a
/// tenth to a fifth of a render on the CPU. Kept in the heap, the same pages serve the next layer. Only the first arena's heap can keep
/// large tensors. .NET has started threads, each with an arena of its own, before any line of the program runs, and which of the arenas
/// a later thread gets is chance; so <see cref="ArenaVariable"/> has to be in the environment already.
/// </remarks>
public static partial class HostMemory
{
    /// <summary>Variable of glibc (mallopt(3)) that says how many arenas there may be, read when a process starts.</summary>
    public const string ArenaVariable = "MALLOC_ARENA_MAX";

    /// <summary>Its value for processes that draw.</summary>
    public const string Arenas = "1";

    // Parameters of glibc's mallopt (malloc.h).
    private const int TrimThreshold = -1;
    private const int MaxMappings = -4;
    private const int MaxArenas = -8;

    /// <summary>
    /// Keeps freed memory for the next tensor, unless the environment says something else. Works best before other threads start.
    /// </summary>
    public static void KeepForReuse()
    {
        if (!OperatingSystem.IsLinux() || Environment.GetEnvironmentVariable("MALLOC_MMAP_MAX_") is not null) return;
        try
        {
            // One arena, because the others cannot grow beyond 64 MB; too late for those that are there.
            _ = SetOption(MaxArenas, 1);
            _ = SetOption(MaxMappings, 0);
            _ = SetOption(TrimThreshold, int.MaxValue);
        }
        catch (EntryPointNotFoundException)
        {
            // Another C library than glibc has its own ways.
        }
    }

    [LibraryImport("libc", EntryPoint = "mallopt")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int SetOption(int option, int value);
}
