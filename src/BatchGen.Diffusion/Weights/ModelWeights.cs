using BatchGen.Diffusion.Families;

namespace BatchGen.Diffusion.Weights;

/// <summary>The parameters of a whole model on one device: the unit that is fused, unloaded and checksummed.</summary>
/// <param name="Family">The family it belongs to.</param>
/// <param name="Components">The components, in ordinal order of name.</param>
internal sealed record ModelWeights(FamilyRendering Family, IReadOnlyList<ComponentWeights> Components) : IDisposable
{
    /// <summary>Every parameter, in ordinal order of <see cref="Weight.Name"/>.</summary>
    public IEnumerable<Weight> All => Components.SelectMany(component => component.All.Values);

    /// <summary>The component with this name, or null.</summary>
    public ComponentWeights? Find(string component) => Components.FirstOrDefault(candidate => candidate.Component == component);

    public void Dispose()
    {
        foreach (var component in Components) component.Dispose();
    }
}
