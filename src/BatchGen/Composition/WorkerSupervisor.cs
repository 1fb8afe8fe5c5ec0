using System.ComponentModel;
using System.Diagnostics;
using BatchGen.Diffusion.Rendering;
using BatchGen.Logging;
using BatchGen.Monitoring;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace BatchGen.Composition;

/// <summary>Runs one worker process per device, and starts one again when it dies.</summary>
/// <remarks>
/// A worker's standard input is a pipe held here. It ends when this process closes it or dies in whatever way, and the worker then stops in
/// order: no signals, no orphans, the same on every system.
/// </remarks>
internal sealed class WorkerSupervisor(
    ProgramContext context, Settings settings, string connectionString, IReadOnlyList<string?> devices, ILogger<WorkerSupervisor> log)
    : BackgroundService
{
    private static readonly TimeSpan FirstDelay = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestDelay = TimeSpan.FromMinutes(1);

    // A worker that ran for so long was healthy; its next death does not continue the series of deaths before it.
    private static readonly TimeSpan HealthyRun = TimeSpan.FromMinutes(2);

    // Beyond the time that a worker has for unloading and verifying: closing connections and ending the process.
    internal static readonly TimeSpan StopMargin = TimeSpan.FromSeconds(20);

    /// <inheritdoc/>
    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(devices.Select((device, index) => SuperviseAsync(index + 1, device, stoppingToken)));

    /// <summary>Time to wait before the next start: doubles with each death in a row, up to a minute.</summary>
    internal static TimeSpan RestartDelay(int deaths) =>
        TimeSpan.FromTicks(Math.Min(LongestDelay.Ticks, FirstDelay.Ticks << Math.Clamp(deaths - 1, 0, 10)));

    private async Task SuperviseAsync(int number, string? device, CancellationToken stoppingToken)
    {
        var deaths = 0;
        while (!stoppingToken.IsCancellationRequested)
        {
            var started = context.Clock.GetTimestamp();
            var end = await RunToEndAsync(number, device, stoppingToken);
            if (stoppingToken.IsCancellationRequested) return;
            if (end.ExitCode == ExitCodes.Success)
            {
                log.WorkerProcessFinished(number);
                return;
            }

            deaths = context.Clock.GetElapsedTime(started) > HealthyRun ? 1 : deaths + 1;
            var delay = RestartDelay(deaths);
            if (end.Error is { } error) log.SupervisionFailed(number, delay.TotalSeconds, error);
            else if (end.ExitCode is { } code) log.WorkerProcessEnded(number, code, delay.TotalSeconds);
            else log.WorkerProcessNotStarted(number, end.Problem, delay.TotalSeconds);
            await Task.Delay(delay, context.Clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    // An error that is not known ends neither this worker's supervision nor that of the others.
    private async Task<WorkerEnd> RunToEndAsync(int number, string? device, CancellationToken stoppingToken)
    {
        try
        {
            return await RunAsync(number, device, stoppingToken);
        }
#pragma warning disable CA1031
        catch (Exception error)
#pragma warning restore CA1031
        {
            return new WorkerEnd(null, error.Message, error);
        }
    }

    /// <summary>Runs one worker process to its end.</summary>
    private async Task<WorkerEnd> RunAsync(int number, string? device, CancellationToken stoppingToken)
    {
        using var process = new Process { StartInfo = StartInfo(number, device) };
        try
        {
            process.Start();
        }
        catch (Win32Exception failure)
        {
            return new WorkerEnd(null, failure.Message);
        }

        log.WorkerProcessStarted(number, process.Id);
        var copying = Task.WhenAll(CopyOutputAsync(process.StandardError, number), CopyOutputAsync(process.StandardOutput, number));
        try
        {
            await process.WaitForExitAsync(stoppingToken);
        }
        catch (OperationCanceledException)
        {
            await StopAsync(process, number);
        }

        await copying;
        return new WorkerEnd(process.ExitCode);
    }

    // Asks by closing the pipe; kills after the time that a worker may take.
    private async Task StopAsync(Process process, int number)
    {
        process.StandardInput.Close();
        using var limit = new CancellationTokenSource(settings.Options.Worker.StopTimeout + StopMargin, context.Clock);
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            // Its lease expires, and its jobs are requeued then.
            log.WorkerProcessKilled(number);
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync(CancellationToken.None);
        }
    }

    private ProcessStartInfo StartInfo(int number, string? device)
    {
        var program = context.ProgramStart();
        var start = new ProcessStartInfo(program.File)
        {
            RedirectStandardInput = true, RedirectStandardError = true, RedirectStandardOutput = true, UseShellExecute = false,
        };
        foreach (var argument in program.First) start.ArgumentList.Add(argument);
        var name = $"{Environment.MachineName} {device ?? $"worker {number}"}";
        foreach (var argument in (string[])["worker", "--supervised", "--name", name, "--log-format", settings.Logging.Format])
            start.ArgumentList.Add(argument);
        if (settings.Options.Worker.HealthUrl is { Length: > 0 } url)
        {
            start.ArgumentList.Add("--health-url");
            start.ArgumentList.Add(WorkerListener.UrlOf(url, number));
        }

        if (device is not null)
        {
            start.ArgumentList.Add("--device");
            start.ArgumentList.Add(device);
        }

        // The private server's address holds a password: the environment of a child is seen by the same user only.
        start.Environment["ConnectionStrings__BatchGen"] = connectionString;
        start.Environment["BATCHGEN_HOME"] = context.HomeFolder;
        start.Environment.TryAdd(HostMemory.ArenaVariable, HostMemory.Arenas);
        return start;
    }

    // With several workers each line says which one wrote it.
    private string Mark(string line, int number) => settings.Logging.Format == LogFormats.Json
        ? JsonLogLine.OfProcess(number, line, context.Clock.GetUtcNow())
        : devices.Count > 1 ? $"[{number}] {line}" : line;

    private async Task CopyOutputAsync(StreamReader from, int number)
    {
        while (await from.ReadLineAsync() is { } line)
        {
            try
            {
                await context.Error.WriteLineAsync(Mark(line, number));
            }
            catch (IOException)
            {
                // Nobody reads standard error any more, or its disk is full. The lines are read on, or the worker would wait for ever to
                // write them.
            }
        }
    }

    /// <summary>How the run of one worker process ended.</summary>
    /// <param name="ExitCode">
    /// Its exit code; null when the process could not be started, because the machine is out of memory or processes or the program is being
    /// replaced, and when it could not be looked after.
    /// </param>
    /// <param name="Problem">Why there is no exit code.</param>
    /// <param name="Error">The error that is not known, or null.</param>
    private sealed record WorkerEnd(int? ExitCode, string Problem = "", Exception? Error = null);
}
