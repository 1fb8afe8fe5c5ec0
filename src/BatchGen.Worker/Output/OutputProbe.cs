using BatchGen.Core.Failures;
using BatchGen.Imaging.Files;
using BatchGen.Worker.Hosting;
using Microsoft.Extensions.Logging;

namespace BatchGen.Worker.Output;

/// <summary>Keeps a worker from claiming jobs while their pictures could not be written: a full disk must not fail a night's jobs one by one.</summary>
internal sealed class OutputProbe(ImageFileWriter files, WorkerOptions options, TimeProvider clock, ILogger<OutputProbe> log)
{
    private bool _suspected = true;

    /// <summary>A picture could not be written: look before the next claim.</summary>
    public void Suspect() => _suspected = true;

    /// <summary>True when pictures can be written; when not, waits a while first, so that the caller's loop does not spin.</summary>
    public async Task<bool> IsWritableAsync(CancellationToken cancellationToken)
    {
        if (!_suspected) return true;
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
