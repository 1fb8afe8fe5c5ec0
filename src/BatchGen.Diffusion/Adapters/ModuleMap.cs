using System.Globalization;
using BatchGen.Diffusion.Families;
using BatchGen.Diffusion.Weights;

namespace BatchGen.Diffusion.Adapters;

/// <summary>One layer of a model that adapters can change.</summary>
/// <param name="Component">Its component.</param>
/// <param name="Name">Its name in diffusers spelling.</param>
/// <param name="Weight">Its weight, if it has one.</param>
/// <param name="Bias">Its bias, or the place for one that it does not have.</param>
/// <param name="Place">Block it stands in, for per-block strengths.</param>
/// <param name="PlaceIndex">Number of the input or output block.</param>
/// <param name="IsTextEncoder">True for layers of a text encoder, which have a strength of their own.</param>
internal sealed record TargetModule(
    string Component, string Name, Weight? Weight, Weight? Bias, string Place, int PlaceIndex, bool IsTextEncoder)
{
    public string FullName => Component + "/" + Name;
}

/// <summary>Finds a model's layers by every name adapter files use for them.</summary>
/// <remarks>Names are looked up in dictionaries made from the model's own layers; dots lost by flattening are never guessed.</remarks>
internal sealed class ModuleMap
{
    private readonly string[] _components;
    private readonly Dictionary<string, TargetModule> _byFlatName = new(StringComparer.Ordinal);
    private readonly Dictionary<string, IReadOnlyList<TargetModule>> _numbered = new(StringComparer.Ordinal);

    public ModuleMap(ModelWeights model)
    {
        Family = model.Family;
        // The denoiser first: a key that names no component is looked for there before it is looked for in the text encoders.
        _components = [Family.Denoiser.Name, .. Family.TextEncoders.Select(network => network.Name)];
        foreach (var name in _components)
        {
            if (model.Find(name) is { } component) Add(component);
        }

        ContextWidth = _byFlatName.Values
            .Where(module => Family.IsDenoiser(module.Component) && module.Name.EndsWith("attn2.to_k", StringComparison.Ordinal))
            .Select(module => module.Weight?.Base?.shape[1] ?? 0).FirstOrDefault();
    }

    /// <summary>The family that the model belongs to.</summary>
    public FamilyRendering Family { get; }

    /// <summary>Width of the texts the model's cross-attention reads; 0 when it has none.</summary>
    public long ContextWidth { get; }

    /// <summary>The layer an adapter module names, or null.</summary>
    public TargetModule? Find(AdapterModule module)
    {
        if (module.Spelling == KeySpelling.Cloneofsimo)
        {
            return _numbered.TryGetValue(module.Component, out var list)
                && int.TryParse(module.Path, NumberStyles.None, CultureInfo.InvariantCulture, out var index) && index < list.Count
                ? list[index] : null;
        }

        if (module.Component.Length > 0) return _byFlatName.GetValueOrDefault(module.Component + "/" + module.FlatPath);
        return _components.Select(component => _byFlatName.GetValueOrDefault(component + "/" + module.FlatPath))
            .FirstOrDefault(found => found is not null);
    }

    private void Add(ComponentWeights component)
    {
        var names = component.All.Keys.Select(ModuleOf).OfType<string>().Distinct(StringComparer.Ordinal).ToArray();
        var originals = Family.Adapters.OriginalNames(component.Component, names);
        var targets = new Dictionary<string, TargetModule>(StringComparer.Ordinal);
        foreach (var name in names)
        {
            var place = originals.GetValueOrDefault(name);
            var target = new TargetModule(
                component.Component, name, component.All.GetValueOrDefault(name + ".weight"),
                component.All.GetValueOrDefault(name + ".bias"), place.Place ?? "", place.Index, Family.IsTextEncoder(component.Component));
            targets[name] = target;
            _byFlatName[Flat(component.Component, name)] = target;
        }

        // Original names come second, so that they never hide a diffusers one.
        foreach (var (name, place) in originals) _byFlatName.TryAdd(Flat(component.Component, place.Name), targets[name]);
        _numbered[component.Component] = Family.Adapters.NumberedLayers(component.Component, names)
            .Select(name => targets.GetValueOrDefault(name)).OfType<TargetModule>().ToArray();
    }

    private static string Flat(string component, string name) => component + "/" + name.Replace('.', '_');

    private static string? ModuleOf(string key) =>
        key.EndsWith(".weight", StringComparison.Ordinal) ? key[..^7]
        : key.EndsWith(".bias", StringComparison.Ordinal) ? key[..^5]
        : null;
}
