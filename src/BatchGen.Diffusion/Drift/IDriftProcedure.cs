using TorchSharp;
using static TorchSharp.torch;

namespace BatchGen.Diffusion.Drift;

/// <summary>A way of putting adapters on weights and taking them off again, which is repeated.</summary>
internal interface IDriftProcedure
{
    /// <summary>Name on the command line.</summary>
    string Key { get; }

    /// <summary>Short name, as reports show it.</summary>
    string Name { get; }

    /// <summary>The work of one cycle, in one sentence.</summary>
    string Description { get; }

    /// <summary>Does one cycle on the weights in place.</summary>
    /// <param name="weights">All touched weights in one row, 16-bit. [n]</param>
    /// <param name="deltas">What each adapter adds, strength included, float32, zero where it touches nothing. [n] each</param>
    void Cycle(Tensor weights, IReadOnlyList<Tensor> deltas);
}

/// <summary>
/// The usual loop as the software of the report did it: each delta is added in float32 and rounded, one adapter after another; later the
/// deltas are rounded to 16 bit, summed, and subtracted.
/// </summary>
internal sealed class FuseEachSubtractSum : IDriftProcedure
{
    public string Key => "subtract-sum";

    public string Name => "fuse each, subtract the rounded sum";

    public string Description =>
        "Adds each adapter in float32 and rounds to 16 bit, one after another; "
            + "takes them off by subtracting the sum of their 16-bit deltas.";

    public void Cycle(Tensor weights, IReadOnlyList<Tensor> deltas)
    {
        using var scope = NewDisposeScope();
        foreach (var delta in deltas) weights.copy_(weights.to(ScalarType.Float32).add_(delta));
        var sum = deltas[0].to(weights.dtype);
        foreach (var delta in deltas.Skip(1)) sum.add_(delta.to(weights.dtype));
        weights.sub_(sum);
    }
}

/// <summary>Each adapter is loaded, fused and later unfused by itself, in the order they were fused.</summary>
internal sealed class FuseEachUnfuseEach : IDriftProcedure
{
    public string Key => "unfuse-each";

    public string Name => "fuse each, unfuse each";

    public string Description => "Adds each adapter in float32 and rounds to 16 bit, one after another; "
        + "then subtracts each in float32 and rounds, in the same order.";

    public void Cycle(Tensor weights, IReadOnlyList<Tensor> deltas)
    {
        using var scope = NewDisposeScope();
        foreach (var delta in deltas) weights.copy_(weights.to(ScalarType.Float32).add_(delta));
        foreach (var delta in deltas) weights.copy_(weights.to(ScalarType.Float32).sub_(delta));
    }
}

/// <summary>The published advice: load all adapters, fuse them once together, take them off together.</summary>
internal sealed class FuseTogether : IDriftProcedure
{
    public string Key => "together";

    public string Name => "load all, fuse once, delete all";

    public string Description =>
        "Adds the sum of all adapters in float32 and rounds to 16 bit once; later subtracts the same sum in float32 and rounds.";

    public void Cycle(Tensor weights, IReadOnlyList<Tensor> deltas)
    {
        using var scope = NewDisposeScope();
        var sum = deltas[0].clone();
        foreach (var delta in deltas.Skip(1)) sum.add_(delta);
        weights.copy_(weights.to(ScalarType.Float32).add_(sum));
        weights.copy_(weights.to(ScalarType.Float32).sub_(sum));
    }
}

/// <summary>The plain loop in 16-bit arithmetic: add the rounded deltas one by one, subtract them one by one in reverse.</summary>
internal sealed class AddSubtractHalf : IDriftProcedure
{
    public string Key => "half";

    public string Name => "add and subtract in 16 bit";

    public string Description =>
        "Rounds each delta to 16 bit, adds them one by one in 16-bit arithmetic, and subtracts them one by one in reverse order.";

    public void Cycle(Tensor weights, IReadOnlyList<Tensor> deltas)
    {
        using var scope = NewDisposeScope();
        var rounded = deltas.Select(delta => delta.to(weights.dtype)).ToArray();
        foreach (var delta in rounded) weights.add_(delta);
        foreach (var delta in rounded.Reverse()) weights.sub_(delta);
    }
}
