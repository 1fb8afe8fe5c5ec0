using System.ComponentModel;
using System.Diagnostics;

namespace BatchGen.Queue.Embedded;

/// <summary>Runs a program to its end and keeps what it printed.</summary>
internal static class Programs
{
    /// <summary>Runs a program; null when there is no such program.</summary>
    public static Task<ProgramResult?> TryRunAsync(
        string program, IReadOnlyList<string> arguments, CancellationToken cancellationToken) =>
        TryRunAsync(program, arguments, "", cancellationToken);

    /// <summary>Runs a program that reads a text; null when there is no such program.</summary>
    public static Task<ProgramResult?> TryRunAsync(
        string program, IReadOnlyList<string> arguments, string input, CancellationToken cancellationToken) =>
        TryRunAsync(program, arguments, input, new Dictionary<string, string>(StringComparer.Ordinal), cancellationToken);

    /// <summary>Runs a program that reads a text, with environment variables of its own; null when there is no such program.</summary>
    public static async Task<ProgramResult?> TryRunAsync(
        string program, IReadOnlyList<string> arguments, string input, IReadOnlyDictionary<string, string> environment,
        CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(program)
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            // The server's user may not be able to enter the caller's working folder.
            WorkingDirectory = "/",
        };
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        // Settings of the caller's own PostgreSQL tools do not concern this cluster. Messages are compared in English.
        foreach (var name in start.Environment.Keys.Where(name => name.StartsWith("PG", StringComparison.Ordinal)).ToArray())
            start.Environment.Remove(name);
        start.Environment["LC_ALL"] = "C";
        foreach (var (name, value) in environment) start.Environment[name] = value;
        try
        {
            using var process = Process.Start(start)!;
            await process.StandardInput.WriteAsync(input.AsMemory(), cancellationToken);
            process.StandardInput.Close();
            var output = process.StandardOutput.ReadToEndAsync(cancellationToken);
            var error = process.StandardError.ReadToEndAsync(cancellationToken);
            await process.WaitForExitAsync(cancellationToken);
            return new ProgramResult(process.ExitCode, await output, await error);
        }
        catch (Win32Exception)
        {
            return null;
        }
    }
}

/// <summary>How a program ended, and what it printed.</summary>
internal sealed record ProgramResult(int ExitCode, string Output, string Error);
