using System.Text.Json;
using System.Text.Json.Nodes;
using BatchGen.Core.Jobs;
using BatchGen.Core.Texts;

namespace BatchGen.Core.Imaging;

/// <summary>The JSON form of an image's recipe: snake_case names, readable text, the same bytes for the same recipe.</summary>
public static class ImageRecipeJson
{
    // Names of the properties that ImageRecipe declares itself; every other name in the file is a field of the job.
    private static readonly HashSet<string> OwnNames =
        [.. RecipeJson.Options.GetTypeInfo(typeof(ImageRecipe)).Properties.Select(property => property.Name)];

    /// <summary>Writes a recipe on one line: layout and job first, then what the job asked for, then what it was made with.</summary>
    public static string Write(ImageRecipe recipe)
    {
        ArgumentNullException.ThrowIfNull(recipe);
        var own = JsonSerializer.SerializeToNode(recipe, RecipeJson.Options)!.AsObject();
        var flat = new JsonObject();
        foreach (var (name, value) in own.Take(2).Concat(recipe.Fields).Concat(own.Skip(2))) flat[name] = value?.DeepClone();
        return flat.ToJsonString(RecipeJson.Options);
    }

    /// <summary>Reads a recipe of this or an earlier layout.</summary>
    /// <exception cref="JsonException">The text is not a recipe.</exception>
    public static ImageRecipe Read(string json)
    {
        using var document = ForeignJson.Parse(json);
        if (document.RootElement.ValueKind != JsonValueKind.Object) throw new JsonException("The recipe is not a JSON object.");
        var flat = JsonObject.Create(document.RootElement.Clone())!;
        var recipe = flat.Deserialize<ImageRecipe>(RecipeJson.Options)!;
        foreach (var name in OwnNames) flat.Remove(name);
        if (recipe.Schema == 1)
        {
            Rename(flat, "width_pixels", JobFields.Width.Name);
            Rename(flat, "height_pixels", JobFields.Height.Name);
        }

        if (flat[JobFields.Prompt.Name] is null || flat[JobFields.Seed.Name] is null)
            throw new JsonException("The recipe has no prompt or no seed.");
        return recipe with { Fields = flat };
    }

    private static void Rename(JsonObject values, string from, string to)
    {
        if (values.Remove(from, out var value)) values[to] = value;
    }
}
