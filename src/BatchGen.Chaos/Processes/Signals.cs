using System.Runtime.InteropServices;

namespace BatchGen.Chaos.Processes;

/// <summary>Sends signals to processes; numbers as on Linux.</summary>
internal static partial class Signals
{
    public const int Interrupt = 2, Kill = 9, Terminate = 15, Continue = 18, Suspend = 19;

    /// <summary>Sends a signal; false when there is no such process.</summary>
    public static bool Send(int process, int signal) => SendSignal(process, signal) == 0;

    /// <summary>What people call a signal.</summary>
    public static string NameOf(int signal) => signal switch
    {
        Interrupt => "SIGINT", Kill => "SIGKILL", Terminate => "SIGTERM", Continue => "SIGCONT", Suspend => "SIGSTOP",
        _ => $"signal {signal}",
    };

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int SendSignal(int process, int signal);
}
