using BatchGen.Core.Failures;
using BatchGen.Worker.Faults;
using BatchGen.Worker.Monitoring;
using Microsoft.Extensions.Logging;

namespace BatchGen.Worker.Devices;

/// <summary>Tries the model that the device could not take once more while the worker is idle, because others may have taken the jobs that
/// would have tried it.</summary>
internal sealed class DeviceTrial(DeviceSession device, WorkerHealth health, ILogger log)
{
    private string? _model;

    /// <summary>Notes that the device could not take a model.</summary>
    public void NoteFailure(string model)
    {
        _model = model;
        health.Report(WorkerTrouble.Device, isThere: true);
    }

    /// <summary>Notes that the device worked.</summary>
    public void NoteSuccess()
    {
        _model = null;
        health.Report(WorkerTrouble.Device, isThere: false);
    }

    /// <summary>Tries to put the model on the device; does nothing when the device took the last one.</summary>
    /// <returns>False when the device still cannot take it.</returns>
    public async Task<bool> PassesAsync(CancellationToken cancellationToken)
    {
        if (_model is not { } model) return true;
        try
        {
            await device.LoadModelAsync(model, cancellationToken);
            log.DeviceRecovered(model);
        }
        catch (DeviceException error)
        {
            log.DeviceTrialFailed(model, error.Message);
            return false;
        }
#pragma warning disable CA1031 // The device was not what failed: a batch that wants the model says what is wrong with it.
        catch (Exception error) when (error is ModelException || UnforeseenError.Is(error, cancellationToken))
#pragma warning restore CA1031
        {
            log.DeviceTrialFailed(model, error.Message);
        }

        NoteSuccess();
        return true;
    }
}
