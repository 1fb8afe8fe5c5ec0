using static TorchSharp.torch;

namespace BatchGen.Diffusion.Models;

/// <summary>The kinds of operation that take a network's time.</summary>
internal enum OperationKind
{
    Convolution,
    MatrixProduct,
    Attention,
}

/// <summary>An operation of a forward pass, with the shapes that are needed to run it alone.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Input">Shape of the input, or of the queries.</param>
/// <param name="Weight">Shape of the weight, or of the keys.</param>
/// <param name="Stride">Stride of a convolution.</param>
/// <param name="Padding">Padding of a convolution.</param>
internal sealed record Operation(OperationKind Kind, string Input, string Weight, long Stride, long Padding)
{
    public static string Shape(Tensor tensor) => string.Join('x', tensor.shape);
}

/// <summary>Writes down the operations of a forward pass, for benchmarks that compare it with the sum of its parts.</summary>
internal static class OperationTrace
{
    [ThreadStatic]
    private static List<Operation>? _current;

    /// <summary>Runs an action and gives the operations that layers did meanwhile on this thread.</summary>
    public static IReadOnlyList<Operation> Of(Action action)
    {
        var list = _current = [];
        try
        {
            action();
            return list;
        }
        finally
        {
            _current = null;
        }
    }

    /// <summary>Notes an operation when somebody listens.</summary>
    public static void Note(OperationKind kind, Tensor input, Tensor weight, long stride = 1, long padding = 0) =>
        _current?.Add(new Operation(kind, Operation.Shape(input), Operation.Shape(weight), stride, padding));
}
