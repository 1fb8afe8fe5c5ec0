namespace BatchGen.Core.Families;

/// <summary>
/// What the whole program knows of one family of models: its names, its native size, and where its jobs differ from those of other
/// families.
/// </summary>
/// <remarks>
/// Code asks these members and never compares <see cref="Code"/> with a text. What only rendering knows (files, networks, text encoding)
/// lies in the folder of the same name in <c>BatchGen.Diffusion/Families</c>.
/// </remarks>
public abstract class ModelFamily
{
    /// <summary>The stable text that the database, the API and the registry's lists use, for example <c>sdxl</c>.</summary>
    public abstract string Code { get; }

    /// <summary>What messages call it, for example <c>SD 1.x</c>.</summary>
    public abstract string Title { get; }

    /// <summary>
    /// Width and height in pixels that the family was trained on: those of a job that names none, where the model's own config does not
    /// say.
    /// </summary>
    public abstract int NativeSizePixels { get; }

    /// <summary>The lists of block strengths that adapters of this family may be used with; their lengths differ.</summary>
    public abstract IReadOnlyList<BlockStrengthLayout> BlockStrengthLayouts { get; }

    /// <summary>
    /// Names of job fields that exist for this family (and others that name them too) and are refused for all families that do not.
    /// </summary>
    /// <value>Empty: none of the Stable Diffusion families has a field of its own.</value>
    public virtual IReadOnlyList<string> OwnJobFields => [];

    /// <summary>Bounds and defaults of job fields where they differ from those that hold for all families.</summary>
    /// <value>Empty: the general ones hold.</value>
    public virtual IReadOnlyList<JobFieldRule> JobFieldRules => [];

    /// <summary>The layout of a list of block strengths with so many numbers, or null where the family has none.</summary>
    public BlockStrengthLayout? FindLayout(int count) => BlockStrengthLayouts.FirstOrDefault(layout => layout.Count == count);

    /// <summary>How many block strengths may be given, as messages say it: for example <c>12, 20 or 26</c>.</summary>
    public string BlockStrengthCounts
    {
        get
        {
            int[] counts = [.. BlockStrengthLayouts.Select(layout => layout.Count).Order()];
            return counts.Length < 2 ? string.Join("", counts) : $"{string.Join(", ", counts[..^1])} or {counts[^1]}";
        }
    }

    /// <inheritdoc/>
    public override string ToString() => Code;
}

/// <summary>Where a job's field has another bound or default in one family than in general.</summary>
/// <param name="Field">Name of the field as jobs spell it, for example <c>clip_skip</c>.</param>
/// <param name="Minimum">Smallest value; null leaves the general one.</param>
/// <param name="Maximum">Largest value; null leaves the general one.</param>
/// <param name="Default">Value of a job that does not name the field; null leaves the general one.</param>
public sealed record JobFieldRule(string Field, decimal? Minimum = null, decimal? Maximum = null, string? Default = null);
