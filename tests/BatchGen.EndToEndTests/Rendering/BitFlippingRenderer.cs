using BatchGen.Core.Adapters;
using BatchGen.Core.Jobs;
using BatchGen.Core.Registry;
using BatchGen.Core.Rendering;
using BatchGen.Diffusion.Rendering;
using BatchGen.Diffusion.Weights;

namespace BatchGen.EndToEndTests.Rendering;

/// <summary>The real renderer with one memory fault: before the first images are rendered, one bit of a base tensor flips.</summary>
internal sealed class BitFlippingRenderer(DiffusionRenderer inner, string tensor) : IBatchRenderer
{
    private bool _flipped;

    public DeviceInfo Device => inner.Device;

    public string? LoadedModel => inner.LoadedModel;

    public bool WritesBaseWhileFused => inner.WritesBaseWhileFused;

    public AdapterCacheUse AdapterCache => inner.AdapterCache;

    public ModelLoadReport LoadModel(ModelRecord model, CancellationToken cancellationToken) => inner.LoadModel(model, cancellationToken);

    public FuseReport Fuse(AdapterSignature signature, IReadOnlyList<AdapterRecord> adapters, CancellationToken cancellationToken) =>
        inner.Fuse(signature, adapters, cancellationToken);

    public void Prefetch(AdapterSignature signature, IReadOnlyList<AdapterRecord> adapters, CancellationToken cancellationToken) =>
        inner.Prefetch(signature, adapters, cancellationToken);

    public void CheckFiles(ModelRecord model, CancellationToken cancellationToken) => inner.CheckFiles(model, cancellationToken);

    public void CheckFiles(AdapterRecord adapter, CancellationToken cancellationToken) => inner.CheckFiles(adapter, cancellationToken);

    public IReadOnlyList<RenderedImage> Render(
        IReadOnlyList<ClaimedJob> jobs, IProgress<StepProgress> progress, CancellationToken cancellationToken)
    {
        if (!_flipped)
        {
            _flipped = true;
            // Bit 30 is the highest of the exponent, so that the change shows in every image.
            WeightFault.FlipBit(inner.Weights!.All.Single(weight => weight.Name == tensor).Base!, 30);
        }

        return inner.Render(jobs, progress, cancellationToken);
    }

    public void Unload() => inner.Unload();

    public WeightCheck VerifyWeights(CancellationToken cancellationToken) => inner.VerifyWeights(cancellationToken);

    public ReloadReport ReloadFromMaster(IReadOnlyList<string> tensorNames, CancellationToken cancellationToken) =>
        inner.ReloadFromMaster(tensorNames, cancellationToken);

    public void Dispose() => inner.Dispose();
}
