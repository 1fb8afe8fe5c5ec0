using BatchGen.Core.Jobs;

namespace BatchGen.Core.Rendering;

/// <summary>The values that jobs must share to run as one tensor batch.</summary>
public sealed record BatchShape(int WidthPixels, int HeightPixels, int Steps, string Sampler, double GuidanceScale, int ClipSkip)
{
    /// <summary>How much of a start image is drawn anew, which decides the number of steps; null without a start image.</summary>
    public double? Strength { get; init; }

    /// <summary>Share of rescaled guidance.</summary>
    public double GuidanceRescale { get; init; }

    /// <summary>The shape of a recipe.</summary>
    public static BatchShape Of(RenderRecipe recipe)
    {
        ArgumentNullException.ThrowIfNull(recipe);
        return new(recipe.WidthPixels, recipe.HeightPixels, recipe.Steps, recipe.Sampler, recipe.GuidanceScale, recipe.ClipSkip)
        {
            Strength = recipe.StartImagePath is null ? null : recipe.Strength,
            GuidanceRescale = recipe.GuidanceRescale,
        };
    }

    /// <summary>Cuts jobs into groups of equal shape, at most <paramref name="limit"/> each, in order of first appearance.</summary>
    public static IReadOnlyList<IReadOnlyList<ClaimedJob>> Group(IEnumerable<ClaimedJob> jobs, int limit)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        return jobs.GroupBy(job => Of(job.Recipe)).SelectMany(group => group.Chunk(limit)).ToArray();
    }
}
