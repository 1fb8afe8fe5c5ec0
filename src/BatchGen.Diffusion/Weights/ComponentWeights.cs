using BatchGen.Core.Failures;

namespace BatchGen.Diffusion.Weights;

/// <summary>All parameters of one component (UNet, VAE, a text encoder), handed out to its layers by key.</summary>
/// <remarks>
/// Layers take what they need while the component is built; a tensor that no layer took is an error, so a wrong config cannot go unseen.
/// </remarks>
internal sealed class ComponentWeights : IDisposable
{
    private readonly SortedDictionary<string, Weight> _weights;
    private readonly HashSet<string> _taken = new(StringComparer.Ordinal);
    private readonly List<(string Key, long[] Shape)>? _recorded;
    private HashSet<string>? _announced;

    public ComponentWeights(string component, IEnumerable<Weight> weights)
    {
        Component = component;
        _weights = new(StringComparer.Ordinal);
        foreach (var weight in weights) _weights.Add(weight.Key, weight);
    }

    private ComponentWeights(string component)
        : this(component, []) => _recorded = [];

    public string Component { get; }

    /// <summary>The keys and shapes that layers asked for, in order; only of a recorder.</summary>
    public IReadOnlyList<(string Key, long[] Shape)> Recorded =>
        _recorded ?? throw new InvalidOperationException("These weights are no recorder.");

    /// <summary>Every parameter, in ordinal key order.</summary>
    public IReadOnlyDictionary<string, Weight> All => _weights;

    /// <summary>
    /// Weights without tensors that write down what a network built on them asks for: its keys and shapes. Needs no native torch.
    /// </summary>
    public static ComponentWeights Recorder(string component) => new(component);

    /// <summary>Lets a recorder answer <see cref="Has"/> for a key, for networks that look before they take.</summary>
    public void Announce(string key) => (_announced ??= new(StringComparer.Ordinal)).Add(key);

    /// <summary>The parameter with this key, for one layer.</summary>
    /// <exception cref="ModelException">Missing, or of another shape than the config implies.</exception>
    public Weight Take(string key, params ReadOnlySpan<long> shape)
    {
        if (_recorded is not null)
        {
            _recorded.Add((key, shape.ToArray()));
            return new Weight(Component, key, baseTensor: null, origin: null);
        }

        if (!_weights.TryGetValue(key, out var weight) || weight.Base is null)
            throw new ModelException($"The {Component} weights have no tensor '{key}', which its config.json calls for. "
                + "Check that config and weights belong together.");
        if (!weight.Base.shape.AsSpan().SequenceEqual(shape))
        {
            throw new ModelException(
                $"{Component} tensor '{key}' has shape [{string.Join(", ", weight.Base.shape)}], but its config.json calls for "
                + $"[{string.Join(", ", shape.ToArray())}]. Check that config and weights belong together.");
        }

        _taken.Add(key);
        return weight;
    }

    /// <summary>A place for a bias that the layer does not have, which an adapter may create.</summary>
    public Weight TakeAbsent(string key)
    {
        var weight = new Weight(Component, key, baseTensor: null, origin: null);
        _weights.Add(key, weight);
        _taken.Add(key);
        return weight;
    }

    /// <summary>True when the files hold this key.</summary>
    public bool Has(string key) =>
        _announced?.Contains(key) == true || _weights.TryGetValue(key, out var weight) && weight.Base is not null;

    /// <summary>Keys that no layer took.</summary>
    public IReadOnlyList<string> Untaken() => _weights.Keys.Where(key => !_taken.Contains(key)).ToArray();

    public void Dispose()
    {
        foreach (var weight in _weights.Values) weight.Dispose();
    }
}
