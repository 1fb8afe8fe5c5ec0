using BatchGen.Core.Adapters;
using BatchGen.Core.Jobs;
using BatchGen.Core.Registry;

namespace BatchGen.Core.Rendering;

/// <summary>A device and the model on it: loads models, fuses adapters, renders, unloads adapters, verifies weights.</summary>
/// <remarks>
/// Not thread safe, but for <see cref="Prefetch"/>, <see cref="AdapterCache"/> and the checks of files: every other member is called from
/// the one thread that owns the device. Members block.
/// </remarks>
public interface IBatchRenderer : IDisposable
{
    /// <summary>The device and compute type.</summary>
    DeviceInfo Device { get; }

    /// <summary>Name of the model on the device, or null.</summary>
    string? LoadedModel { get; }

    /// <summary>
    /// True while fused numbers stand in the base tensors' own memory; <see cref="Unload"/> must then come before
    /// <see cref="VerifyWeights"/>.
    /// </summary>
    bool WritesBaseWhileFused { get; }

    /// <summary>Use of the host cache of adapters so far. May be read from any thread.</summary>
    AdapterCacheUse AdapterCache { get; }

    /// <summary>Puts a model on the device (dropping another), after checking the master files against the registry.</summary>
    /// <exception cref="Failures.ModelException">Files missing, changed, corrupt or of an unknown kind; it names what this machine lacks
    /// where others may have it.</exception>
    /// <exception cref="Failures.DeviceException">The device has no room for it now, or failed; no model is on it then.</exception>
    ModelLoadReport LoadModel(ModelRecord model, CancellationToken cancellationToken);

    /// <summary>Fuses all adapters of the signature in one pass.</summary>
    /// <remarks>
    /// The base is never lost: fusing leaves it alone (an overlay), or writes over it after its bytes were saved or while they can be read
    /// from the master again, and <see cref="Unload"/> puts exactly those bytes back; <see cref="VerifyWeights"/> after every batch checks
    /// this.
    /// </remarks>
    /// <exception cref="Failures.AdapterException">An adapter is missing, changed, corrupt or does not fit; nothing was
    /// applied.</exception>
    FuseReport Fuse(AdapterSignature signature, IReadOnlyList<AdapterRecord> adapters, CancellationToken cancellationToken);

    /// <summary>
    /// Reads and decodes adapter files into the host cache, so that a later <see cref="Fuse"/> need not. May be called from any thread.
    /// </summary>
    /// <remarks>A file that cannot be read is left for the fuse to report.</remarks>
    void Prefetch(AdapterSignature signature, IReadOnlyList<AdapterRecord> adapters, CancellationToken cancellationToken);

    /// <summary>Compares the files of a model with the registry. May be called from any thread.</summary>
    /// <exception cref="Failures.ModelException">This machine lacks them as registered.</exception>
    void CheckFiles(ModelRecord model, CancellationToken cancellationToken);

    /// <summary>Reads the files of an adapter and compares them with the registry. May be called from any thread.</summary>
    /// <exception cref="Failures.AdapterException">This machine lacks them as registered, or their content cannot work.</exception>
    void CheckFiles(AdapterRecord adapter, CancellationToken cancellationToken);

    /// <summary>Renders jobs of equal shape (<see cref="BatchShape"/>) as one tensor batch.</summary>
    /// <returns>One image per job, in order.</returns>
    /// <exception cref="Failures.GenerationException">The attempt failed.</exception>
    IReadOnlyList<RenderedImage> Render(
        IReadOnlyList<ClaimedJob> jobs, IProgress<StepProgress> progress, CancellationToken cancellationToken);

    /// <summary>
    /// Drops the overlay, or puts exactly the old bytes back over the base. No arithmetic; harmless when nothing is fused.
    /// </summary>
    void Unload();

    /// <summary>
    /// Checksums the base weights against the baseline taken at load, and fused tensors against what they were when they were fused.
    /// </summary>
    /// <remarks>
    /// A fused tensor that changed while it was in use is reported as <c>fused component/key</c>, a learned word as <c>fused
    /// word/trigger</c>, also after it was dropped.
    /// </remarks>
    WeightCheck VerifyWeights(CancellationToken cancellationToken);

    /// <summary>
    /// Copies the named tensors from the master again, after re-hashing the master file. Names of fused tensors need only the unload; no
    /// names at all means every tensor, from which the baseline is taken anew.
    /// </summary>
    /// <exception cref="Failures.ModelException">The master on disk is not what was registered.</exception>
    /// <exception cref="Failures.DeviceException">The device failed, or has no memory left.</exception>
    ReloadReport ReloadFromMaster(IReadOnlyList<string> tensorNames, CancellationToken cancellationToken);
}
