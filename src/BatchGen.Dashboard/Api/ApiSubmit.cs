using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using BatchGen.Dashboard.Security;
using BatchGen.Queue;
using BatchGen.Queue.Jobs;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.Net.Http.Headers;

namespace BatchGen.Dashboard.Api;

/// <summary>Submits jobs from JSON or a stream of JSON lines; the database checks them, as for every producer.</summary>
internal sealed partial class ApiSubmit(JobSubmitter submitter)
{
    // Large enough for the database to be fast, small enough that neither side holds much.
    private const int ChunkJobs = 5_000;
    private const int ChunkLetters = 8_000_000;
    private const int MaxLineLetters = 4_000_000;
    private const long MaxBodyBytes = 2L << 30;
    private const string KeyHeader = "Idempotency-Key";

    /// <summary>Answers the call.</summary>
    public async Task<IResult> SubmitAsync(HttpContext context, CancellationToken cancellationToken)
    {
        var key = context.Request.Headers[KeyHeader].ToString();
        var tenant = context.User.FindFirst(Policies.TenantClaim)?.Value;
        // Forms and plain text can be sent by any site's page without asking first; these types cannot.
        var type = MediaTypeHeaderValue.TryParse(context.Request.ContentType, out var parsed) ? parsed.MediaType.Value?.ToLowerInvariant() : null;
        return type switch
        {
            "application/json" => await SubmitJsonAsync(context, tenant, key, cancellationToken),
            "application/x-ndjson" or "application/jsonl" => await SubmitLinesAsync(context, tenant, key, cancellationToken),
            _ => Results.Problem(statusCode: StatusCodes.Status415UnsupportedMediaType, title: "Unknown content type", detail: "Send application/json or application/x-ndjson."),
        };
    }

    private async Task<IResult> SubmitJsonAsync(HttpContext context, string? tenant, string key, CancellationToken cancellationToken)
    {
        using var reader = new StreamReader(context.Request.Body, Encoding.UTF8);
        var text = await reader.ReadToEndAsync(cancellationToken);
        try
        {
            var jobs = JsonNode.Parse(text) switch
            {
                JsonArray array => array,
                JsonObject single => new JsonArray(single),
                _ => throw new JsonException("expected a job object or an array of them"),
            };
            if (key.Length > 0)
            {
                for (var i = 0; i < jobs.Count; i++)
                    if (jobs[i] is JsonObject job && !job.ContainsKey("idempotency_key")) job["idempotency_key"] = jobs.Count == 1 ? key : string.Create(CultureInfo.InvariantCulture, $"{key}/{i + 1}");
            }

            return Created(await submitter.SubmitJsonAsync(jobs.ToJsonString(), tenant, cancellationToken));
        }
        catch (JsonException failure)
        {
            return Refused($"The body is not JSON: {failure.Message}", null);
        }
        catch (SubmitRefusedException refused)
        {
            return Refused(refused.Message, null);
        }
    }

    private async Task<IResult> SubmitLinesAsync(HttpContext context, string? tenant, string key, CancellationToken cancellationToken)
    {
        using var reader = new StreamReader(context.Request.Body, Encoding.UTF8, detectEncodingFromByteOrderMarks: true, bufferSize: 1 << 16);
        var ids = new List<long>();
        var chunk = new StringBuilder();
        var lines = new List<int>();
        try
        {
            for (var number = 1; await reader.ReadLineAsync(cancellationToken) is { } line; number++)
            {
                if (string.IsNullOrWhiteSpace(line)) continue;
                if (line.Length > MaxLineLetters) throw new SubmitRefusedException($"Line {number} has more than {MaxLineLetters} letters.");
                if (!line.AsSpan().TrimStart().StartsWith("{")) throw new SubmitRefusedException($"Line {number} is not a JSON object.");
                chunk.Append(chunk.Length == 0 ? '[' : ',').Append(WithKey(line, key, number));
                lines.Add(number);
                if (lines.Count >= ChunkJobs || chunk.Length >= ChunkLetters) await FlushAsync();
            }

            if (lines.Count > 0) await FlushAsync();
            return Created(ids);
        }
        catch (SubmitRefusedException refused)
        {
            // Earlier chunks stay; with a key the corrected stream can be sent again as a whole.
            return Refused(Renumber(refused.Message, lines), ids.Count);
        }

        async Task FlushAsync()
        {
            ids.AddRange(await submitter.SubmitJsonAsync(chunk.Append(']').ToString(), tenant, cancellationToken));
            chunk.Clear();
            lines.Clear();
        }
    }

    private static string WithKey(string line, string key, int number)
    {
        if (key.Length == 0) return line;
        try
        {
            if (JsonNode.Parse(line) is not JsonObject job) return line;
            if (!job.ContainsKey("idempotency_key")) job["idempotency_key"] = string.Create(CultureInfo.InvariantCulture, $"{key}/{number}");
            return job.ToJsonString();
        }
        catch (JsonException failure)
        {
            throw new SubmitRefusedException($"Line {number} is not JSON: {failure.Message}", failure);
        }
    }

    // The database counts from 0 within a chunk; people count lines from 1.
    private static string Renumber(string message, List<int> lines) => Element().Replace(message, match =>
        int.Parse(match.Groups["index"].Value, CultureInfo.InvariantCulture) is var index && index < lines.Count ? string.Create(CultureInfo.InvariantCulture, $"line {lines[index]}, ") : match.Value, 1);

    private static IResult Created(IReadOnlyList<long> ids) => Results.Json(new SubmittedView(ids), ApiJson.Compact, statusCode: StatusCodes.Status201Created);

    private static IResult Refused(string detail, int? submitted) => Results.Problem(
        statusCode: StatusCodes.Status400BadRequest, title: "Jobs were refused", detail: detail,
        extensions: submitted is null ? null : new Dictionary<string, object?>(StringComparer.Ordinal) { ["submitted"] = submitted });

    [GeneratedRegex(@"^jobs\[(?<index>\d+)\]\.?", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 200)]
    private static partial Regex Element();

    /// <summary>A stream of jobs may be long.</summary>
    internal sealed class BodyLimit : IRequestSizeLimitMetadata
    {
        public long? MaxRequestBodySize => MaxBodyBytes;
    }
}
