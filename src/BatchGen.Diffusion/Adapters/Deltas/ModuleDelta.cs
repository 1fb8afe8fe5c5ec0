using static TorchSharp.torch;

namespace BatchGen.Diffusion.Adapters.Deltas;

/// <summary>The numbers that one adapter adds to one parameter, kept as factors in float32 on the host.</summary>
/// <remarks>Formulas: docs/adapter-formats.md sections 6 and 7. Factors are never written to after construction.</remarks>
internal abstract class ModuleDelta : IDisposable
{
    /// <summary>The decoded factors.</summary>
    public abstract IReadOnlyList<Tensor> Factors { get; }

    /// <summary>The reason why the factors do not fit a parameter of this shape, as the end of a sentence; null when they fit.</summary>
    public abstract string? Misfit(ReadOnlySpan<long> shape);

    /// <summary>Adds <c>strength * delta</c> to a sum in place.</summary>
    /// <param name="sum">Float32, in the parameter's shape, contiguous.</param>
    /// <param name="original">The base parameter, which deltas that depend on it are computed from; any float type; null when it has
    /// none.</param>
    /// <param name="strength">What the delta is multiplied with.</param>
    public abstract void AddTo(Tensor sum, Tensor? original, double strength);

    /// <summary>
    /// Writes <c>original + strength * delta</c> into a sum whose content is whatever was there, where that is quicker than copying and
    /// adding.
    /// </summary>
    /// <returns>False when it is not; nothing was written.</returns>
    public virtual bool TryStart(Tensor sum, Tensor original, double strength) => false;

    /// <summary>
    /// A number that no element of <c>delta</c> passes in magnitude; infinity when that is not known without computing it.
    /// </summary>
    public virtual double Bound => double.PositiveInfinity;

    public void Dispose()
    {
        foreach (var factor in Factors) factor.Dispose();
    }

    /// <summary>Number of rows and columns of a parameter seen as a matrix: first axis by all others.</summary>
    protected static (long Rows, long Columns) Matrix(ReadOnlySpan<long> shape)
    {
        if (shape.IsEmpty) return (1, 1);
        long columns = 1;
        foreach (var size in shape[1..]) columns *= size;
        return (shape[0], columns);
    }

    protected static string Show(ReadOnlySpan<long> shape) => "[" + string.Join(", ", shape.ToArray()) + "]";

    /// <summary>A factor on the device of the sum.</summary>
    protected static Tensor On(Tensor factor, Tensor sum) =>
        factor.device_type == sum.device_type && factor.device_index == sum.device_index ? factor : factor.to(sum.device);
}
