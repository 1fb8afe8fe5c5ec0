using BatchGen.Core.Jobs;

namespace BatchGen.Core.Rendering;

/// <summary>What jobs must agree on to run as one tensor batch: every field of the recipe but those that each image of a tensor
/// batch has for itself.</summary>
public sealed record BatchShape
{
    private readonly RenderRecipe _shared;

    private BatchShape(RenderRecipe shared) => _shared = shared;

    /// <summary>The shape of a recipe. A field that is not named here belongs to it, so that a new one can never be
    /// taken from a neighbour.</summary>
    public static BatchShape Of(RenderRecipe recipe)
    {
        ArgumentNullException.ThrowIfNull(recipe);
        return new(recipe with
        {
            Prompt = "",
            NegativePrompt = null,
            Seed = 0,
            Format = ImageFormat.Png,
            // Which image it starts from is each job's own; whether it starts from one decides the number of steps.
            StartImagePath = recipe.StartImagePath is null ? null : "",
        });
    }

    /// <summary>Cuts jobs into groups of equal shape, at most <paramref name="limit"/> each, in order of first appearance.</summary>
    public static IReadOnlyList<IReadOnlyList<ClaimedJob>> Group(IEnumerable<ClaimedJob> jobs, int limit)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        return jobs.GroupBy(job => Of(job.Recipe)).SelectMany(group => group.Chunk(limit)).ToArray();
    }
}
