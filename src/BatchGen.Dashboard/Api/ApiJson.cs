using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace BatchGen.Dashboard.Api;

/// <summary>The JSON that the HTTP API and the command line's <c>--json</c> write: snake_case, nulls left out, text readable.</summary>
public static class ApiJson
{
    /// <summary>Options for JSON on one line.</summary>
    public static JsonSerializerOptions Compact { get; } = Make(indented: false);

    /// <summary>Options for JSON that people read, with one property a line.</summary>
    public static JsonSerializerOptions Indented { get; } = Make(indented: true);

    private static JsonSerializerOptions Make(bool indented) => new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DictionaryKeyPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, // Sent as application/json, never inside HTML.
        WriteIndented = indented,
    };
}
