using System.Text.Json;
using System.Text.Json.Nodes;
using BatchGen.Core.Jobs;

namespace BatchGen.Core.Imaging;

/// <summary>The JSON form of an image's recipe: snake_case names, readable text, the same bytes for the same recipe.</summary>
public static class ImageRecipeJson
{
    private static readonly RecipeJsonContext Context = new(new JsonSerializerOptions(RecipeJson.Options));

    /// <summary>Writes a recipe on one line.</summary>
    public static string Write(ImageRecipe recipe) => JsonSerializer.Serialize(recipe, Context.ImageRecipe);

    /// <summary>Reads a recipe of this or an earlier layout.</summary>
    /// <exception cref="JsonException">The text is not a recipe.</exception>
    public static ImageRecipe Read(string json)
    {
        var recipe = JsonSerializer.Deserialize(json, Context.ImageRecipe) ?? throw new JsonException("The recipe is null.");
        if (recipe.Schema == 1)
        {
            Rename(recipe.Fields, "width_pixels", JobFields.Width.Name);
            Rename(recipe.Fields, "height_pixels", JobFields.Height.Name);
        }

        if (recipe.Fields[JobFields.Prompt.Name] is null || recipe.Fields[JobFields.Seed.Name] is null) throw new JsonException("it has no prompt or no seed");
        return recipe;
    }

    private static void Rename(JsonObject values, string from, string to)
    {
        if (values.Remove(from, out var value)) values[to] = value;
    }
}
