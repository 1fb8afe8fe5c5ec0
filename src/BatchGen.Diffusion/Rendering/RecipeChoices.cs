using BatchGen.Core.Failures;
using BatchGen.Core.Jobs;

namespace BatchGen.Diffusion.Rendering;

/// <summary>Refuses recipes that say how to draw in words that this program does not know.</summary>
internal static class RecipeChoices
{
    /// <summary>Checks how prompts are read and noise is drawn.</summary>
    /// <exception cref="InvalidJobException">One of the two is not known.</exception>
    public static void Check(RenderRecipe recipe)
    {
        Check(JobFields.PromptSyntax, recipe.PromptSyntax);
        Check(JobFields.NoiseType, recipe.NoiseType);
    }

    private static void Check(JobField field, string value)
    {
        if (!field.Choices!.Contains(value))
            throw new InvalidJobException($"{field.Label} '{value}' is not known; expected {field.Limits}.");
    }
}
