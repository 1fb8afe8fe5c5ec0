using BatchGen.Core.Failures;
using BatchGen.Imaging.Files;
using BatchGen.Worker.Hosting;
using BatchGen.Worker.Monitoring;
using Microsoft.Extensions.Logging;

namespace BatchGen.Worker.Output;

/// <summary>Keeps a worker from claiming jobs while their images could not be written.</summary>
/// <remarks>A full disk must not fail a night's jobs one by one.</remarks>
internal sealed class OutputProbe(ImageFileWriter files, WorkerOptions options, WorkerHealth health, ILogger<OutputProbe> log)
{
    private bool _mustProbe = true;
    private bool _writeFailed;

    /// <summary>Why images cannot be written; null while they can, as far as is known.</summary>
    public string? Problem { get; private set; }

    /// <summary>What the machine lacks while images cannot be written.</summary>
    public MachineLack Lack { get; } = new(LackKind.Output, files.Folder, "");

    /// <summary>Notes that an image could not be written: the next claim waits a while and probes the folder first.</summary>
    public void ReportFailure(string problem)
    {
        (_mustProbe, _writeFailed, Problem) = (true, true, problem);
        health.Report(WorkerTrouble.Output, isThere: true);
    }

    /// <summary>True when images can be written; when not, waits a while first, so that the caller's loop does not spin.</summary>
    /// <param name="delay">Waits for a time; the worker says meanwhile that it lives.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task<bool> IsWritableAsync(Func<TimeSpan, CancellationToken, Task> delay, CancellationToken cancellationToken)
    {
        if (!_mustProbe) return true;
        // A write may fail where the probe passes; without a pause batch after batch would be rendered for nothing.
        if (_writeFailed) await delay(options.OutputRetryInterval, cancellationToken);
        _writeFailed = false;
        try
        {
            files.Probe();
            (_mustProbe, Problem) = (false, null);
            health.Report(WorkerTrouble.Output, isThere: false);
            return true;
        }
        catch (OutputException error)
        {
            Problem = error.Message;
            health.Report(WorkerTrouble.Output, isThere: true);
            log.OutputBlocked(error.Message, options.OutputRetryInterval);
            await delay(options.OutputRetryInterval, cancellationToken);
            return false;
        }
    }
}
