using BatchGen.Core.Adapters;
using BatchGen.Diffusion.Adapters;
using BatchGen.Diffusion.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace BatchGen.Diffusion.Drift;

/// <summary>The weights that some adapters touch, laid out in one row, with each adapter's delta in a row of the same layout.</summary>
/// <remarks>
/// A row is zero where its adapter touches nothing; adding zero changes no number, so one operation a step serves all layers.
/// </remarks>
internal sealed class FlatWeights : IDisposable
{
    private readonly (string Name, long Start, long Count)[] _places;

    private FlatWeights((string Name, long Start, long Count)[] places, Tensor original, IReadOnlyList<Tensor> deltas)
    {
        _places = places;
        Original = original;
        Deltas = deltas;
    }

    /// <summary>The weights before anything was done to them. [n] 16-bit</summary>
    public Tensor Original { get; }

    /// <summary>The numbers each adapter adds, strength included. [n] f32 each</summary>
    public IReadOnlyList<Tensor> Deltas { get; }

    /// <summary>Number of tensors.</summary>
    public int Tensors => _places.Length;

    /// <summary>Collects what the adapters touch.</summary>
    /// <param name="model">The model on the CPU, in the 16-bit type to work in.</param>
    /// <param name="uses">Adapters and strengths, in the order they are fused.</param>
    /// <param name="adapters">The adapters, in the same order.</param>
    public static FlatWeights Collect(ModelWeights model, IReadOnlyList<AdapterUse> uses, IReadOnlyList<LoadedAdapter> adapters)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var modules = new ModuleMap(model);
        var plans = uses.Zip(adapters, (use, adapter) =>
        {
            var plan = new FusePlan(modules);
            plan.Add(use, adapter);
            return plan.InModelOrder().ToDictionary(item => item.Weight, item => item.Parts);
        }).ToArray();
        var touched = plans.SelectMany(plan => plan.Keys).Where(weight => weight.Base is not null).Distinct()
            .OrderBy(weight => weight.Name, StringComparer.Ordinal).ToArray();
        var places = new List<(Weight Weight, long Start, long Count)>();
        long total = 0;
        foreach (var weight in touched)
        {
            places.Add((weight, total, weight.Base!.numel()));
            total += weight.Base.numel();
        }

        var original = empty(total, touched[0].Base!.dtype);
        var deltas = plans.Select(_ => zeros(total, ScalarType.Float32)).ToArray();
        foreach (var (weight, start, count) in places)
        {
            original.narrow(0, start, count).copy_(weight.Base!.view(-1));
            for (var i = 0; i < plans.Length; i++)
            {
                if (!plans[i].TryGetValue(weight, out var parts)) continue;
                var row = deltas[i].narrow(0, start, count).view(weight.Base.shape);
                foreach (var part in parts) part.Delta.AddTo(row, weight.Base, part.Strength);
            }
        }

        foreach (var delta in deltas) delta.DetachFromDisposeScope();
        return new FlatWeights(
            [.. places.Select(place => (place.Weight.Name, place.Start, place.Count))], original.DetachFromDisposeScope(), deltas);
    }

    /// <summary>The numbers a model holds now in these places. [n]</summary>
    public Tensor Gather(ModelWeights model)
    {
        using var scope = NewDisposeScope();
        var byName = model.All.ToDictionary(weight => weight.Name, StringComparer.Ordinal);
        var row = empty(Original.shape, Original.dtype);
        foreach (var (name, start, count) in _places) row.narrow(0, start, count).copy_(byName[name].Base!.view(-1));
        return row.MoveToOuterDisposeScope();
    }

    /// <summary>Makes a model compute with these numbers instead of its own, as overlays, until <see cref="RemoveFrom"/>.</summary>
    public void PutOn(Tensor weights, ModelWeights model)
    {
        using var scope = NewDisposeScope();
        var byName = model.All.ToDictionary(weight => weight.Name, StringComparer.Ordinal);
        foreach (var (name, start, count) in _places)
        {
            var weight = byName[name];
            weight.SetOverlay(
                weights.narrow(0, start, count).view(weight.Base!.shape).to(weight.Base.dtype, copy: true).MoveToOuterDisposeScope());
        }
    }

    /// <summary>Makes a model compute with its own numbers again.</summary>
    public static void RemoveFrom(ModelWeights model)
    {
        foreach (var weight in model.All) weight.DropOverlay();
    }

    public void Dispose()
    {
        Original.Dispose();
        foreach (var delta in Deltas) delta.Dispose();
    }
}
