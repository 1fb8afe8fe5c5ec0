using System.Text.Json.Nodes;
using BatchGen.Core.Jobs;

namespace BatchGen.FuzzTests.Targets;

internal static class SampleRecipe
{
    /// <summary>A recipe with most fields set, as the database holds it.</summary>
    public static JsonObject Fields => RecipeJson.Write(new RenderRecipe
    {
        Prompt = "a cup",
        NegativePrompt = "blurred",
        Seed = 7,
        Sampler = "euler",
        Steps = 20,
        GuidanceScale = 7.5,
        WidthPixels = 8,
        HeightPixels = 8,
    });
}
