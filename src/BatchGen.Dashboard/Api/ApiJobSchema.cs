using System.Globalization;
using System.Text.Json.Nodes;
using BatchGen.Core.Jobs;
using Microsoft.OpenApi;

namespace BatchGen.Dashboard.Api;

/// <summary>The OpenAPI schemas of jobs, made from the declaration of their fields (<see cref="JobFields"/>).</summary>
internal static class ApiJobSchema
{
    /// <summary>The schema of a job in a body that submits jobs.</summary>
    public static OpenApiSchema OfSubmit() => new()
    {
        Type = JsonSchemaType.Object,
        AdditionalPropertiesAllowed = false,
        Properties = Properties(JobFields.All.Where(field => field.IsSetBy(JobFieldWays.Json))),
    };

    /// <summary>The properties of a recipe, for answers that show jobs.</summary>
    public static Dictionary<string, IOpenApiSchema> OfRecipe() => Properties(JobFields.Recipe);

    private static Dictionary<string, IOpenApiSchema> Properties(IEnumerable<JobField> fields) =>
        fields.ToDictionary(field => field.Name, field => (IOpenApiSchema)Of(field), StringComparer.Ordinal);

    private static OpenApiSchema Of(JobField field)
    {
        var schema = Typed(field);
        schema.Description = field.DefaultInWords is { } words ? $"{field.Help} Default: {words}." : field.Help;
        if (field.Default is { } text) schema.Default = JsonNode.Parse(text);
        return schema;
    }

    private static OpenApiSchema Typed(JobField field) => field.Type switch
    {
        JobFieldType.Text or JobFieldType.Image => new()
        {
            Type = JsonSchemaType.String, MinLength = (int?)field.Minimum, MaxLength = (int?)field.Maximum,
        },
        JobFieldType.Choice => new() { Type = JsonSchemaType.String, Enum = [.. field.Choices!.Select(choice => (JsonNode)choice)] },
        JobFieldType.Whole => new()
        {
            Type = JsonSchemaType.Integer, Format = "int32", Minimum = Number(field.Minimum), Maximum = Number(field.Maximum),
            MultipleOf = field.MultipleOf,
        },
        JobFieldType.Seed => new() { Type = JsonSchemaType.Integer, Format = "int64" },
        JobFieldType.Number => new()
        {
            Type = JsonSchemaType.Number, Format = "double", Maximum = Number(field.Maximum),
            Minimum = field.MinimumExcluded ? null : Number(field.Minimum),
            ExclusiveMinimum = field.MinimumExcluded ? Number(field.Minimum) : null,
        },
        JobFieldType.Instant => new() { Type = JsonSchemaType.String, Format = "date-time" },
        JobFieldType.Words => new()
        {
            Type = JsonSchemaType.Array, MaxItems = (int?)field.Maximum,
            Items = new OpenApiSchema { Type = JsonSchemaType.String, MinLength = 1, MaxLength = field.MaxWordLength },
        },
        JobFieldType.Adapters => new() { OneOf = [AdapterAsText(), AdapterList((int?)field.Maximum)] },
        _ => throw new ArgumentOutOfRangeException(nameof(field), field.Type, "no such type in a job object"),
    };

    private static OpenApiSchema AdapterList(int? most) => new()
    {
        Type = JsonSchemaType.Array, MaxItems = most, Items = new OpenApiSchema { OneOf = [AdapterAsText(), AdapterAsObject()] },
    };

    private static OpenApiSchema AdapterAsText() => new()
    {
        Type = JsonSchemaType.String, Description = "As in a signature: name, name@0.8, name@0.8:0.5, name@0.8[1,0,...].",
    };

    private static OpenApiSchema AdapterAsObject() => new()
    {
        Type = JsonSchemaType.Object,
        Required = new HashSet<string>(StringComparer.Ordinal) { "name" },
        AdditionalPropertiesAllowed = false,
        Properties = new Dictionary<string, IOpenApiSchema>(StringComparer.Ordinal)
        {
            ["name"] = new OpenApiSchema { Type = JsonSchemaType.String, Description = "Name of a registered adapter, in any case." },
            ["strength"] = Strength("Strength in the UNet.", byDefault: 1),
            ["text_encoder_strength"] = Strength("Strength in the text encoders; by default the same."),
            ["block_strengths"] = new OpenApiSchema
            {
                Type = JsonSchemaType.Array, Items = Strength(description: null),
                Description = "A factor for each block of the UNet; by default 1 everywhere.",
            },
        },
    };

    private static OpenApiSchema Strength(string? description, int? byDefault = null) => new()
    {
        Type = JsonSchemaType.Number, Minimum = "-16", Maximum = "16", Default = byDefault, Description = description,
    };

    private static string? Number(decimal? value) => value?.ToString(CultureInfo.InvariantCulture);
}
