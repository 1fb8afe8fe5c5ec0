using static TorchSharp.torch;

namespace BatchGen.Diffusion.Weights;

/// <summary>A parameter of a model: the base tensor as loaded, and the fused tensor that stands in for it while adapters are on.</summary>
/// <remarks>
/// The base is never lost: fusing leaves it alone (an overlay), or writes over it (<see cref="WriteInPlace"/>) after its bytes were saved
/// or while they can be read from the master again, and unloading puts exactly those bytes back; the checksum after every batch checks
/// this. Layers read <see cref="Value"/>, so putting an overlay on and dropping it involves no arithmetic on the base.
/// </remarks>
internal sealed class Weight : IDisposable
{
    private Tensor? _base;
    private Tensor? _overlay;
    private double? _largest;

    /// <param name="component">Component it belongs to, for example <c>unet</c>.</param>
    /// <param name="key">Parameter name in diffusers spelling, for example <c>conv_in.weight</c>.</param>
    /// <param name="baseTensor">Tensor in compute type on the device (owned from now on); null for a bias the layer does not have.</param>
    /// <param name="origin">Where the tensor came from; null only where there is no base tensor.</param>
    public Weight(string component, string key, Tensor? baseTensor, WeightOrigin? origin)
    {
        Component = component;
        Key = key;
        Origin = origin;
        _base = baseTensor?.DetachFromDisposeScope();
    }

    public string Component { get; }

    public string Key { get; }

    /// <summary>Component and key with a slash between, the name used in checkpoints and messages.</summary>
    public string Name => Component + "/" + Key;

    public WeightOrigin? Origin { get; }

    /// <summary>The tensor as loaded; null for a bias that the layer does not have.</summary>
    public Tensor? Base => _base;

    /// <summary>The fused tensor, or null when no adapter touches this parameter now.</summary>
    public Tensor? Overlay => _overlay;

    /// <summary>
    /// The tensor that layers compute with. Throws for an absent bias that has no overlay: use <see cref="ValueOrNull"/> there.
    /// </summary>
    public Tensor Value => _overlay ?? _base ?? throw new InvalidOperationException($"{Name} has no tensor.");

    /// <summary>The tensor that layers compute with, or null for an absent bias.</summary>
    public Tensor? ValueOrNull => _overlay ?? _base;

    /// <summary>Largest magnitude in the base, asked for once; 0 without a base. NaN when the base holds one.</summary>
    public double LargestMagnitude => _largest ??= Largest(_base);

    /// <summary>Puts a fused tensor in place (owned from now on).</summary>
    public void SetOverlay(Tensor fused)
    {
        _overlay?.Dispose();
        _overlay = fused.DetachFromDisposeScope();
    }

    /// <summary>Drops the overlay; the base tensor is left alone.</summary>
    public void DropOverlay()
    {
        _overlay?.Dispose();
        _overlay = null;
    }

    /// <summary>
    /// Takes the fused tensor off without freeing it, for use as a buffer; null when there is none. The base tensor is left alone.
    /// </summary>
    public Tensor? TakeOverlay()
    {
        var overlay = _overlay;
        _overlay = null;
        return overlay;
    }

    /// <summary>
    /// Writes other numbers over the base tensor's memory; the caller has saved the old bytes or can read them from the master again.
    /// </summary>
    public void WriteInPlace(Tensor numbers)
    {
        if (_base is null) throw new InvalidOperationException($"{Name} has no tensor to write to.");
        _base.copy_(numbers);
    }

    /// <summary>Puts a fresh copy from the master in place of a damaged base tensor (owned from now on).</summary>
    public void ReplaceBase(Tensor fresh)
    {
        _base?.Dispose();
        _base = fresh.DetachFromDisposeScope();
        _largest = null;
    }

    public void Dispose()
    {
        DropOverlay();
        _base?.Dispose();
        _base = null;
    }

    private static double Largest(Tensor? tensor)
    {
        if (tensor is null || tensor.numel() == 0) return 0;
        using var scope = NewDisposeScope();
        return tensor.abs().max().to(ScalarType.Float32).item<float>();
    }
}

/// <summary>Where a base tensor's bytes stand in the master files, so that it can be read again.</summary>
/// <param name="RelativePath">Master file, relative to the model's folder as in the registry.</param>
/// <param name="Read">Reads the tensor again from the (re-hashed) master: same dtype and device as at load, bit for bit.</param>
internal sealed record WeightOrigin(string RelativePath, Func<Tensor> Read);
