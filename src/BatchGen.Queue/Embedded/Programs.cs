using System.ComponentModel;
using System.Diagnostics;

namespace BatchGen.Queue.Embedded;

/// <summary>Runs a program to its end and keeps what it printed.</summary>
/// <remarks>A cancelled call ends the program with all that it started, and returns once they have ended: what it was about to do cannot
/// come after what the caller does next.</remarks>
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
            try
            {
                return await ReadToEndAsync(process, input, cancellationToken);
            }
            catch (OperationCanceledException)
            {
                await KillAsync(process);
                throw;
            }
        }
        catch (Win32Exception)
        {
            return null;
        }
    }

    private static async Task<ProgramResult> ReadToEndAsync(Process process, string input, CancellationToken cancellationToken)
    {
        await process.StandardInput.WriteAsync(input.AsMemory(), cancellationToken);
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync(cancellationToken);
        var error = process.StandardError.ReadToEndAsync(cancellationToken);
        await process.WaitForExitAsync(cancellationToken);
        return new ProgramResult(process.ExitCode, await output, await error);
    }

    private static async Task KillAsync(Process process)
    {
        try
        {
            process.Kill(entireProcessTree: true);
        }
        catch (Exception error) when (error is AggregateException or Win32Exception or InvalidOperationException)
        {
            // It has ended by itself, or belongs to a user whose processes this one may not end; the wait below says which.
            if (!process.HasExited) throw new QueueException($"'{process.StartInfo.FileName}' could not be ended: {error.Message}", error);
        }

        await process.WaitForExitAsync(CancellationToken.None);
    }
}

/// <summary>How a program ended, and what it printed.</summary>
internal sealed record ProgramResult(int ExitCode, string Output, string Error);
