using BatchGen.Core.Failures;
using BatchGen.Imaging.Files;
using BatchGen.Worker.Hosting;
using Microsoft.Extensions.Logging;

namespace BatchGen.Worker.Output;

/// <summary>Keeps a worker from claiming jobs while their pictures could not be written: a full disk must not fail a night's jobs one by one.</summary>
internal sealed class OutputProbe(ImageFileWriter files, WorkerOptions options, TimeProvider clock, ILogger<OutputProbe> log)
{
    private bool _suspected = true;
    private bool _failed;

    /// <summary>A picture could not be written: wait and look before the next claim.</summary>
    public void Suspect() => (_suspected, _failed) = (true, true);

    /// <summary>True when pictures can be written; when not, waits a while first, so that the caller's loop does not spin.</summary>
    public async Task<bool> IsWritableAsync(CancellationToken cancellationToken)
    {
        if (!_suspected) return true;
        // What the probe cannot foresee must not let batch after batch be drawn for nothing.
        if (_failed) await Task.Delay(options.OutputRetryInterval, clock, cancellationToken);
        _failed = false;
        try
        {
            files.Probe();
            _suspected = false;
            return true;
        }
        catch (OutputException error)
        {
            log.OutputBlocked(error.Message, options.OutputRetryInterval);
            await Task.Delay(options.OutputRetryInterval, clock, cancellationToken);
            return false;
        }
    }
}
