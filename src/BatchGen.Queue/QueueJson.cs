using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace BatchGen.Queue;

/// <summary>How the queue writes JSON for the database and reads JSON from it.</summary>
internal static class QueueJson
{
    /// <summary>Names in snake_case; what is null is left out.</summary>
    public static JsonSerializerOptions Options { get; } = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        // NaN and infinities travel as text, so that the database refuses them with its one message.
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        // Nothing here ends up in a web page, and prompts of other scripts stay short.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };
}
