using BatchGen.Diffusion.Safetensors;
using TorchSharp;
using static TorchSharp.torch;

namespace BatchGen.ReferenceCheck;

/// <summary>Collects the outputs of one case and says how it ended.</summary>
internal sealed class Comparison(string name)
{
    private double _error = double.NaN;
    private double _tolerance = double.NaN;
    private string? _problem;

    /// <summary>Compares a tensor with the one expected.</summary>
    public void Add(string output, Tensor actual, SafetensorsFile expected, string key, double tolerance)
    {
        using var scope = NewDisposeScope();
        Add(output, actual, expected.ReadTensor(key), tolerance);
    }

    /// <summary>Compares a tensor with the one expected.</summary>
    public void Add(string output, Tensor actual, Tensor expected, double tolerance)
    {
        using var scope = NewDisposeScope();
        if (!actual.shape.AsSpan().SequenceEqual(expected.shape))
        {
            _problem ??= $"{output} has shape [{string.Join(", ", actual.shape)}], expected [{string.Join(", ", expected.shape)}]";
            return;
        }

        Add(output, (actual.to(ScalarType.Float64) - expected.to(ScalarType.Float64)).abs().max().item<double>(), tolerance);
    }

    /// <summary>Notes an error; a NaN fails.</summary>
    public void Add(string output, double error, double tolerance)
    {
        if (!(error <= tolerance)) _problem ??= $"{output} differs by {error:0.##e+00}";
        if (double.IsNaN(_error) || double.IsNaN(error) || error / tolerance > _error / _tolerance)
            (_error, _tolerance) = (error, tolerance);
    }

    /// <summary>Checks whole numbers against a limit, without entering them into the largest error.</summary>
    public void AtMost(string output, Tensor actual, Tensor expected, double limit)
    {
        using var scope = NewDisposeScope();
        var error = actual.shape.AsSpan().SequenceEqual(expected.shape)
            ? (actual.to(ScalarType.Float64) - expected.to(ScalarType.Float64)).abs().max().item<double>()
            : double.NaN;
        if (!(error <= limit)) _problem ??= $"{output} differs by {error}";
    }

    /// <summary>Notes a problem that is no number.</summary>
    public void Problem(string problem) => _problem ??= problem;

    public CaseResult Result() => new(name, _error, _tolerance, _problem is null ? CaseStatus.Pass : CaseStatus.Fail, _problem ?? "");
}
