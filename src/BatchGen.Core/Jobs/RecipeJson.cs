using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using BatchGen.Core.Adapters;

namespace BatchGen.Core.Jobs;

/// <summary>
/// The JSON form of a recipe, as the database keeps it in one column and as an image file holds it. Names are those of
/// <see cref="JobFields"/>.
/// </summary>
public static class RecipeJson
{
    /// <summary>Options for reading and writing: snake_case names, nulls left out, readable text, which HTML must escape itself.</summary>
    internal static JsonSerializerOptions Options { get; } = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Converters = { new ImageFormatConverter() },
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Skip,
        RespectNullableAnnotations = true,
        // By reflection: generated code boxes the values of required and init properties, which takes longer, and a claim reads dozens of
        // recipes.
        TypeInfoResolver = new DefaultJsonTypeInfoResolver(),
    };

    /// <summary>Reads a stored recipe.</summary>
    /// <param name="json">A JSON object in UTF-8 whose names are fields of the recipe.</param>
    /// <param name="signature">Model and adapters of the job, which are stored beside the recipe.</param>
    /// <exception cref="JsonException">The text is not such an object, or a value is not of the field's type.</exception>
    /// <exception cref="UnknownRecipeFieldException">
    /// A field that this program does not know is set: a newer program submitted the job.
    /// </exception>
    public static RenderRecipe Read(ReadOnlySpan<byte> json, AdapterSignature signature)
    {
        var recipe = JsonSerializer.Deserialize<RenderRecipe>(json, Options) ?? throw new JsonException("The recipe is null.");
        if (recipe.Unknown?.FirstOrDefault(pair => !IsOff(pair.Value)) is { Key: { } name }) throw new UnknownRecipeFieldException(name);
        return recipe with { Signature = signature, Unknown = null };
    }

    /// <summary>Reads a stored recipe to show it, not to draw it: fields that this program does not know are left out.</summary>
    /// <exception cref="JsonException">The text is not such an object, or a value is not of the field's type.</exception>
    public static RenderRecipe ReadKnown(string json, AdapterSignature signature)
    {
        var recipe = JsonSerializer.Deserialize<RenderRecipe>(json, Options) ?? throw new JsonException("The recipe is null.");
        return recipe with { Signature = signature, Unknown = null };
    }

    /// <summary>Writes a recipe as a JSON object, in the order of the fields; fields that are off are left out.</summary>
    public static JsonObject Write(RenderRecipe recipe)
    {
        var values = JsonSerializer.SerializeToNode(recipe, Options)!.AsObject();
        var ordered = new JsonObject();
        foreach (var field in JobFields.Recipe)
        {
            if (!values.Remove(field.Name, out var value) || value is null) continue;
            if (field.DefaultIsOff && field.Default == value.ToJsonString()) continue;
            ordered[field.Name] = value;
        }

        return ordered;
    }

    /// <summary>The value of a field in a recipe's JSON, as a person would type it; null where it has none.</summary>
    public static string? TextOf(JsonObject recipe, JobField field)
    {
        ArgumentNullException.ThrowIfNull(recipe);
        ArgumentNullException.ThrowIfNull(field);
        return recipe[field.Name] switch
        {
            null => null,
            JsonValue value when value.TryGetValue(out string? text) => text,
            var other => other.ToJsonString(),
        };
    }

    // Whether a field that this program does not know changes nothing: its value is one that JobField.DefaultIsOff allows.
    private static bool IsOff(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null or JsonValueKind.False => true,
        JsonValueKind.Number => value.GetDouble() == 0,
        JsonValueKind.String => value.GetString()!.Length == 0,
        JsonValueKind.Array => value.GetArrayLength() == 0,
        _ => false,
    };

    /// <summary>Writes image formats as the codes that jobs use.</summary>
    private sealed class ImageFormatConverter : JsonConverter<ImageFormat>
    {
        public override ImageFormat Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            try
            {
                return ImageFormats.Parse(reader.GetString() ?? "");
            }
            catch (FormatException failure)
            {
                throw new JsonException(failure.Message, failure);
            }
        }

        public override void Write(Utf8JsonWriter writer, ImageFormat value, JsonSerializerOptions options) =>
            writer.WriteStringValue(value.ToCode());
    }
}

/// <summary>
/// A stored recipe sets a field that this program does not know: a newer program submitted the job, and only a newer program may draw it.
/// </summary>
/// <param name="field">Name of the field.</param>
public sealed class UnknownRecipeFieldException(string field)
    : Exception($"The job's recipe sets '{field}', which this program does not know. Update the program of this worker.")
{
    /// <summary>Name of the field.</summary>
    public string Field { get; } = field;
}
