using System.Globalization;
using System.Text.RegularExpressions;
using BatchGen.Diffusion.Weights;

namespace BatchGen.Diffusion.Adapters;

/// <summary>One layer of a model that adapters can change.</summary>
/// <param name="Component">Its component.</param>
/// <param name="Name">Its name in diffusers spelling.</param>
/// <param name="Weight">Its weight, if it has one.</param>
/// <param name="Bias">Its bias, or the place for one that it does not have.</param>
/// <param name="Place">Block it stands in, for per-block strengths.</param>
/// <param name="PlaceIndex">Number of the input or output block.</param>
internal sealed record TargetModule(string Component, string Name, Weight? Weight, Weight? Bias, string Place, int PlaceIndex)
{
    public string FullName => Component + "/" + Name;
}

/// <summary>Finds a model's layers by every name adapter files use for them.</summary>
/// <remarks>Names are looked up in dictionaries made from the model's own layers; dots lost by flattening are never guessed.</remarks>
internal sealed partial class ModuleMap
{
    private static readonly string[] Components = ["unet", "text_encoder", "text_encoder_2"];
    private readonly Dictionary<string, TargetModule> _byFlatName = new(StringComparer.Ordinal);
    private readonly Dictionary<string, IReadOnlyList<TargetModule>> _numbered = new(StringComparer.Ordinal);

    public ModuleMap(ModelWeights model)
    {
        Family = model.Family;
        foreach (var name in Components)
        {
            if (model.Find(name) is { } component) Add(component);
        }

        ContextWidth = _byFlatName.Values
            .Where(module => module.Component == "unet" && module.Name.EndsWith("attn2.to_k", StringComparison.Ordinal))
            .Select(module => module.Weight?.Base?.shape[1] ?? 0).FirstOrDefault();
    }

    /// <summary>The model's family.</summary>
    public string Family { get; }

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
        return Components.Select(component => _byFlatName.GetValueOrDefault(component + "/" + module.FlatPath)).FirstOrDefault(found => found is not null);
    }

    private void Add(ComponentWeights component)
    {
        var names = component.All.Keys.Select(ModuleOf).OfType<string>().Distinct(StringComparer.Ordinal).ToArray();
        var sgm = component.Component == "unet" ? SgmNames.Of(names) : [];
        var targets = new Dictionary<string, TargetModule>(StringComparer.Ordinal);
        foreach (var name in names)
        {
            var place = sgm.GetValueOrDefault(name);
            var target = new TargetModule(
                component.Component, name, component.All.GetValueOrDefault(name + ".weight"), component.All.GetValueOrDefault(name + ".bias"),
                place.Place ?? "", place.Index);
            targets[name] = target;
            _byFlatName[Flat(component.Component, name)] = target;
        }

        // Original names come second, so that they never hide a diffusers one.
        foreach (var (name, place) in sgm) _byFlatName.TryAdd(Flat(component.Component, place.Name), targets[name]);
        _numbered[component.Component] = (component.Component == "unet" ? NumberedUNet(names) : NumberedText(names))
            .Select(name => targets.GetValueOrDefault(name)).OfType<TargetModule>().ToArray();
    }

    private static string Flat(string component, string name) => component + "/" + name.Replace('.', '_');

    private static string? ModuleOf(string key) =>
        key.EndsWith(".weight", StringComparison.Ordinal) ? key[..^7]
        : key.EndsWith(".bias", StringComparison.Ordinal) ? key[..^5]
        : null;

    // cloneofsimo/lora counts the layers it changed in registration order: down blocks, up blocks, then the middle one
    // (docs/adapter-formats.md section 9; the order was verified there on two real files).
    private static IEnumerable<string> NumberedUNet(IEnumerable<string> names)
    {
        string[] layers = ["attn1.to_q", "attn1.to_k", "attn1.to_v", "attn1.to_out.0", "ff.net.0.proj", "attn2.to_q", "attn2.to_k", "attn2.to_v", "attn2.to_out.0"];
        return names.Select(name => Transformer().Match(name)).Where(match => match.Success)
            .Select(match => (
                Side: match.Groups["side"].Value switch { "down_blocks" => 0, "up_blocks" => 1, _ => 2 },
                Block: match.Groups["block"].Success ? int.Parse(match.Groups["block"].ValueSpan, CultureInfo.InvariantCulture) : 0,
                Attention: int.Parse(match.Groups["attention"].ValueSpan, CultureInfo.InvariantCulture),
                Depth: int.Parse(match.Groups["depth"].ValueSpan, CultureInfo.InvariantCulture),
                Path: match.Value))
            .Distinct().Order()
            .SelectMany(block => layers.Select(layer => block.Path + "." + layer));
    }

    private static IEnumerable<string> NumberedText(IEnumerable<string> names)
    {
        string[] layers = ["k_proj", "v_proj", "q_proj", "out_proj"];
        return names.Select(name => TextLayer().Match(name)).Where(match => match.Success)
            .Select(match => (Index: int.Parse(match.Groups["index"].ValueSpan, CultureInfo.InvariantCulture), Path: match.Value))
            .Distinct().Order()
            .SelectMany(layer => layers.Select(name => layer.Path + "." + name));
    }

    [GeneratedRegex(@"^(?<side>down_blocks|up_blocks|mid_block)(\.(?<block>[0-9]{1,4}))?\.attentions\.(?<attention>[0-9]{1,4})\.transformer_blocks\.(?<depth>[0-9]{1,4})", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex Transformer();

    [GeneratedRegex(@"^text_model\.encoder\.layers\.(?<index>[0-9]{1,4})\.self_attn", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex TextLayer();
}
