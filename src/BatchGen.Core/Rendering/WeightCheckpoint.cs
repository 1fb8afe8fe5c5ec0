namespace BatchGen.Core.Rendering;

/// <summary>The result of a checkpoint.</summary>
public enum CheckpointVerdict
{
    /// <summary>Every base tensor has its baseline digest: the images since the last good checkpoint are verified.</summary>
    Passed,

    /// <summary>Something differs: the images since the last good checkpoint are rendered again.</summary>
    Drifted,

    /// <summary>Passed again after the drifted tensors were reloaded from the master.</summary>
    Restored,

    /// <summary>Still differs after the reload: the worker stops.</summary>
    Unrecoverable,
}

/// <summary>The text codes of <see cref="CheckpointVerdict"/>, as the database stores them.</summary>
public static class CheckpointVerdicts
{
    /// <summary>The code of a verdict.</summary>
    public static string ToCode(this CheckpointVerdict verdict) => verdict switch
    {
        CheckpointVerdict.Passed => "passed",
        CheckpointVerdict.Drifted => "drifted",
        CheckpointVerdict.Restored => "restored",
        CheckpointVerdict.Unrecoverable => "unrecoverable",
        _ => throw new ArgumentOutOfRangeException(nameof(verdict), verdict, "unknown verdict"),
    };
}

/// <summary>A checksum of the base weights, as it is recorded after an unload.</summary>
/// <param name="WorkerId">The worker.</param>
/// <param name="BatchId">The batch it follows; null at start.</param>
/// <param name="Epoch">That batch's fencing token; null at start.</param>
/// <param name="Model">The model on the device.</param>
/// <param name="Device">The device.</param>
/// <param name="Check">What was found.</param>
/// <param name="Verdict">What it means.</param>
/// <param name="Reload">The reload it follows, or null.</param>
public sealed record WeightCheckpoint(
    Guid WorkerId, long? BatchId, long? Epoch, string Model, DeviceInfo Device, WeightCheck Check, CheckpointVerdict Verdict,
    ReloadReport? Reload);

/// <summary>The changes that recording a checkpoint made to images and jobs.</summary>
/// <param name="CheckpointId">The recorded row.</param>
/// <param name="ImagesVerified">Images marked verified.</param>
/// <param name="JobsRequeued">Finished jobs that were requeued to be rendered again.</param>
public sealed record CheckpointOutcome(long CheckpointId, int ImagesVerified, int JobsRequeued);
