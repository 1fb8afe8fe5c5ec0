using static TorchSharp.torch;

namespace BatchGen.Diffusion.Sampling;

/// <summary>The last few tensors of a multistep solver, newest first; outlives dispose scopes and frees what falls off its end.</summary>
internal sealed class History(int capacity) : IDisposable
{
    private readonly List<Tensor> _items = [];

    /// <summary>How many are kept now.</summary>
    public int Count => _items.Count;

    /// <summary>The tensor of so many calls ago; 0 is the newest.</summary>
    public Tensor this[int age] => _items[age];

    /// <summary>Keeps a tensor (shares its numbers; the caller's handle stays the caller's).</summary>
    public void Push(Tensor tensor)
    {
        _items.Insert(0, tensor.alias().DetachFromDisposeScope());
        if (_items.Count <= capacity) return;
        _items[^1].Dispose();
        _items.RemoveAt(_items.Count - 1);
    }

    public void Dispose()
    {
        foreach (var item in _items) item.Dispose();
        _items.Clear();
    }
}
