using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using BatchGen.Core.Imaging;

namespace BatchGen.Imaging.Recipes;

/// <summary>The JSON form of a recipe: snake_case names, readable text, the same bytes for the same recipe.</summary>
public static class RecipeJson
{
    /// <summary>Writes a recipe on one line.</summary>
    public static string Serialize(ImageRecipe recipe) => JsonSerializer.Serialize(recipe, RecipeJsonContext.Readable.ImageRecipe);

    /// <summary>Reads a recipe.</summary>
    /// <exception cref="JsonException">The text is not a recipe.</exception>
    public static ImageRecipe Parse(string json) =>
        JsonSerializer.Deserialize(json, RecipeJsonContext.Readable.ImageRecipe) ?? throw new JsonException("The recipe is null.");
}

[JsonSerializable(typeof(ImageRecipe))]
internal sealed partial class RecipeJsonContext : JsonSerializerContext
{
    // Prompts stay readable inside the file; the text is never put into HTML without escaping.
    public static RecipeJsonContext Readable { get; } = new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });
}
