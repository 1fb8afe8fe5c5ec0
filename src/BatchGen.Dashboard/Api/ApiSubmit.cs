using System.Buffers;
using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using BatchGen.Dashboard.Security;
using BatchGen.Queue;
using BatchGen.Queue.Jobs;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;

namespace BatchGen.Dashboard.Api;

/// <summary>Submits jobs from JSON or a stream of JSON lines; the database checks them, as for every producer.</summary>
internal sealed partial class ApiSubmit(JobSubmitter submitter)
{
    /// <summary>Name of the header whose key makes repeating a call harmless.</summary>
    public const string KeyHeader = "Idempotency-Key";

    /// <summary>Most letters of that key: the database takes 200, and jobs of a list get a number behind it.</summary>
    public const int MaxKeyLength = 180;

    /// <summary>Longest line of a stream.</summary>
    public const int MaxLineBytes = 4_000_000;

    /// <summary>Longest JSON body: it is submitted whole, and so it is held whole, here and in the database.</summary>
    public const long MaxJsonBytes = 64L << 20;

    /// <summary>Jobs in a JSON body.</summary>
    public const int MaxArrayJobs = 100_000;

    // Large enough for the database to be fast, small enough that neither side holds much.
    private const int ChunkJobs = 5_000;
    private const int ChunkBytes = 8_000_000;
    private const long MaxStreamBytes = 2L << 30;

    // A JSON body is held whole, of a stream one chunk.
    private static readonly BodyKind Json = new("json", OfCaller: 2, OfAll: 3);
    private static readonly BodyKind Lines = new("lines", OfCaller: 8, OfAll: 16);

    /// <summary>A stream of jobs may be long.</summary>
    public static BodyLimit Limit { get; } = new(MaxStreamBytes);

    /// <summary>The bodies that take memory or a connection at the same time; the others wait, unread.</summary>
    public static CountedBodies Bodies { get; } = new(context =>
        TypeOf(context) != "application/json" ? Lines : CountedBodies.SmallOr(Json, context));

    /// <summary>Answers the call.</summary>
    public async Task<IResult> SubmitAsync(HttpContext context, CancellationToken cancellationToken)
    {
        var key = context.Request.Headers[KeyHeader].ToString();
        var tenant = AccessLookup.TenantOf(context.User);
        if (key.Length > MaxKeyLength)
            return Refused(string.Create(CultureInfo.InvariantCulture,
                $"{KeyHeader}: expected at most {MaxKeyLength} letters, got {key.Length:N0}; use a shorter key."), null);
        // Forms and plain text can be sent by any site's page without asking first; these types cannot.
        return TypeOf(context) switch
        {
            "application/json" => await SubmitJsonAsync(context, tenant, key, cancellationToken),
            "application/x-ndjson" or "application/jsonl" => await SubmitLinesAsync(context, tenant, key, cancellationToken),
            _ => Problem.Of(statusCode: StatusCodes.Status415UnsupportedMediaType, title: "Unknown content type",
                detail: "Send application/json or application/x-ndjson."),
        };
    }

    private async Task<IResult> SubmitJsonAsync(HttpContext context, string? tenant, string key, CancellationToken cancellationToken)
    {
        try
        {
            if (await ReadJobsAsync(context, key, cancellationToken) is not { } jobs) return TooLarge();
            return Created(await submitter.SubmitJsonAsync(jobs, tenant, cancellationToken));
        }
        catch (BadHttpRequestException failure) when (failure.StatusCode == StatusCodes.Status413PayloadTooLarge)
        {
            return TooLarge();
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

    private static async Task<ReadOnlyMemory<byte>?> ReadJobsAsync(HttpContext context, string key, CancellationToken cancellationToken)
    {
        // The limit of the call is that of streams, which are not held.
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit) limit.MaxRequestBodySize = MaxJsonBytes;
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, cancellationToken);
        return JobText.ToArray(body.GetBuffer().AsSpan(0, (int)body.Length), key, MaxArrayJobs);
    }

    private async Task<IResult> SubmitLinesAsync(HttpContext context, string? tenant, string key, CancellationToken cancellationToken)
    {
        var ids = new List<long>();
        var chunk = new ArrayBufferWriter<byte>();
        var lines = new List<int>();
        try
        {
            var number = 0;
            await foreach (var line in BodyLines.ReadAsync(context.Request.BodyReader, MaxLineBytes, cancellationToken))
            {
                number++;
                if (!Add(line, number)) continue;
                lines.Add(number);
                if (lines.Count >= ChunkJobs || chunk.WrittenCount >= ChunkBytes) await FlushAsync();
            }

            if (lines.Count > 0) await FlushAsync();
            return Created(ids);
        }
        catch (SubmitRefusedException refused)
        {
            // Earlier chunks stay; with a key the corrected stream can be sent again as a whole.
            return Refused(Renumber(refused.Message, lines), ids.Count);
        }
        catch (BlockedException blocked)
        {
            RetryAfter.Set(context.Response, LockWait.Limit);
            return Problem.Of(
                statusCode: StatusCodes.Status503ServiceUnavailable, detail: blocked.Message,
                extensions: new Dictionary<string, object?>(StringComparer.Ordinal) { ["submitted"] = ids.Count });
        }

        // False for a line without anything.
        bool Add(ReadOnlySequence<byte> line, int number)
        {
            var text = line.IsSingleSegment ? line.FirstSpan : line.ToArray();
            if (number == 1) text = JobText.WithoutMark(text);
            if (text.Trim(" \t\r"u8).IsEmpty) return false;
            try
            {
                JobText.AddLine(text, key.Length == 0 ? key : string.Create(CultureInfo.InvariantCulture, $"{key}/{number}"), chunk);
                return true;
            }
            catch (JsonException failure)
            {
                throw new SubmitRefusedException($"Line {number} is not a JSON object: {failure.Message}", failure);
            }
        }

        async Task FlushAsync()
        {
            chunk.Write("]"u8);
            ids.AddRange(await submitter.SubmitJsonAsync(chunk.WrittenMemory, tenant, cancellationToken));
            chunk.ResetWrittenCount();
            lines.Clear();
        }
    }

    private static string? TypeOf(HttpContext context) =>
        MediaTypeHeaderValue.TryParse(context.Request.ContentType, out var parsed) ? parsed.MediaType.Value?.ToLowerInvariant() : null;

    // The database counts from 0 within a chunk; people count lines from 1.
    private static string Renumber(string message, List<int> lines) => Element().Replace(message, match =>
        int.Parse(match.Groups["index"].Value, CultureInfo.InvariantCulture) is var index && index < lines.Count
            ? string.Create(CultureInfo.InvariantCulture, $"line {lines[index]}, ")
            : match.Value, 1);

    private static IResult Created(IReadOnlyList<long> ids) =>
        Results.Json(new SubmittedView(ids), ApiJson.Compact, statusCode: StatusCodes.Status201Created);

    private static IResult Refused(string detail, int? submitted) => Problem.Of(
        statusCode: StatusCodes.Status400BadRequest, title: "Jobs were refused", detail: detail,
        extensions: submitted is null ? null : new Dictionary<string, object?>(StringComparer.Ordinal) { ["submitted"] = submitted });

    private static IResult TooLarge() => Problem.Of(
        statusCode: StatusCodes.Status413PayloadTooLarge, title: "Too many jobs at once",
        detail: string.Create(CultureInfo.InvariantCulture, $"A JSON body has at most {MaxJsonBytes >> 20} MiB and {MaxArrayJobs:N0} jobs; "
            + $"send more as a stream of lines, application/x-ndjson."));

    [GeneratedRegex(@"^jobs\[(?<index>\d+)\]\.?", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 200)]
    private static partial Regex Element();
}
