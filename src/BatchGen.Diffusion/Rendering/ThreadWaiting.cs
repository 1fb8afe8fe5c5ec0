using System.Runtime.InteropServices;

namespace BatchGen.Diffusion.Rendering;

/// <summary>How torch's threads wait for each other between two parts of an operation.</summary>
/// <remarks>
/// By default OpenMP threads spin. Where anything else runs on the same cores (PostgreSQL, the writing of images, another worker), they
/// spin away each other's time: on two shared cores a render took five times as long. Sleeping costs microseconds.
/// </remarks>
internal static partial class ThreadWaiting
{
    private const string Policy = "OMP_WAIT_POLICY";

    /// <summary>Lets waiting threads sleep, unless the environment says something else. Works only before native torch is loaded.</summary>
    public static void PreferSleeping()
    {
        // .NET keeps a copy of the environment; the OpenMP runtime reads the real one.
        if (OperatingSystem.IsLinux() && Environment.GetEnvironmentVariable(Policy) is null) _ = SetEnvironment(Policy, "PASSIVE", 0);
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int SetEnvironment(string name, string value, int overwrite);
}
