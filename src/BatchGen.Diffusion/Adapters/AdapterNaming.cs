namespace BatchGen.Diffusion.Adapters;

/// <summary>How adapter files name the layers of one family's networks.</summary>
internal abstract class AdapterNaming
{
    /// <summary>Starts of keys that say which component a layer belongs to.</summary>
    public abstract IReadOnlyList<ComponentPrefix> Prefixes { get; }

    /// <summary>
    /// Width of the texts that cross-attention reads in the published models, which differs between families; 0 where it shows nothing.
    /// </summary>
    public abstract long ContextWidth { get; }

    /// <summary>
    /// Width of learned words (textual inversions) that only models of this family and wider ones have; 0 where none shows it.
    /// </summary>
    public abstract long WordWidth { get; }

    /// <summary>Parts of the texts by which trainers name the base model in a file's metadata.</summary>
    public abstract IReadOnlyList<string> BaseModelMarks { get; }

    /// <summary>True for a layer name of the family's original code, written with '_' for '.'.</summary>
    public abstract bool IsOriginal(string flatPath);

    /// <summary>
    /// The names that the layers of a component have in the family's original code, where they differ, and the blocks they stand in.
    /// </summary>
    /// <param name="component">The component.</param>
    /// <param name="modules">All its layers, in diffusers spelling.</param>
    public abstract IReadOnlyDictionary<string, OriginalName> OriginalNames(string component, IReadOnlyCollection<string> modules);

    /// <summary>The layers that cloneofsimo/lora changes in a component, in the order it numbers them.</summary>
    /// <param name="component">The component.</param>
    /// <param name="modules">All its layers, in diffusers spelling.</param>
    public abstract IEnumerable<string> NumberedLayers(string component, IReadOnlyCollection<string> modules);
}

/// <summary>The start of a key that says which component a layer belongs to.</summary>
/// <param name="Text">The start of the key.</param>
/// <param name="Component">The component, or empty where the key does not say.</param>
/// <param name="IsPartOfName">True when the start is also the start of the layer's name and stays in it.</param>
internal sealed record ComponentPrefix(string Text, string Component, bool IsPartOfName = false);

/// <summary>A layer's name in the original code of its family, and the block it stands in, which per-block strengths count.</summary>
/// <param name="Name">The name, for example <c>input_blocks.4.1.proj_in</c>.</param>
/// <param name="Place">Block: <c>IN</c>, <c>MID</c>, <c>OUT</c>, or empty outside of the blocks.</param>
/// <param name="Index">Number of the input or output block.</param>
internal readonly record struct OriginalName(string Name, string Place, int Index);
