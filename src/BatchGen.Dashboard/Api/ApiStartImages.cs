using BatchGen.Core.Failures;
using BatchGen.Core.Submitting;
using BatchGen.Dashboard.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;
using Microsoft.Net.Http.Headers;

namespace BatchGen.Dashboard.Api;

/// <summary>Takes pictures that jobs start from.</summary>
internal static class ApiStartImages
{
    // These types cannot be sent by any site's page without asking first, as those of forms can.
    private static readonly string[] Types = ["image/png", "image/jpeg", "image/webp"];

    /// <summary>Maps it.</summary>
    public static void Map(IEndpointRouteBuilder routes) => routes.MapPost("/api/v1/start-images", PutAsync)
        .RequireAuthorization(Policies.ApiSubmit).DisableAntiforgery().WithMetadata(new BodyLimit()).RequireRateLimiting(ApiSubmit.RateLimit)
        .Accepts<Stream>(Types[0], Types[1], Types[2])
        .Produces<StartImageView>(StatusCodes.Status201Created).ProducesProblem(StatusCodes.Status400BadRequest)
        .ProducesProblem(StatusCodes.Status401Unauthorized).ProducesProblem(StatusCodes.Status403Forbidden)
        .ProducesProblem(StatusCodes.Status413PayloadTooLarge).ProducesProblem(StatusCodes.Status415UnsupportedMediaType).ProducesProblem(StatusCodes.Status429TooManyRequests)
        .WithTags("Jobs").WithSummary("Keep a picture to start from")
        .WithDescription("The body is the picture itself. The answer's name is what jobs give as start_image; the same picture gets the same name.");

    private static async Task<IResult> PutAsync(HttpContext context, StartImageFolder folder, CancellationToken cancellationToken)
    {
        var type = MediaTypeHeaderValue.TryParse(context.Request.ContentType, out var parsed) ? parsed.MediaType.Value?.ToLowerInvariant() : null;
        if (!Types.Contains(type, StringComparer.Ordinal))
            return Results.Problem(statusCode: StatusCodes.Status415UnsupportedMediaType, title: "Unknown content type", detail: $"Send {string.Join(", ", Types)}.");
        try
        {
            using var bytes = new MemoryStream();
            await context.Request.Body.CopyToAsync(bytes, cancellationToken);
            var file = bytes.ToArray();
            var header = StartImageFolder.Check(file, "body");
            return Results.Json(new StartImageView(folder.Add(file, "body"), header.WidthPixels, header.HeightPixels), ApiJson.Compact, statusCode: StatusCodes.Status201Created);
        }
        catch (StartImageException failure)
        {
            return Results.Problem(statusCode: StatusCodes.Status400BadRequest, title: "The picture was refused", detail: FailureText.WithoutFolders(failure.Message));
        }
    }

    // One byte more than a picture may have, so that one that is too long gets the message that says so.
    private sealed class BodyLimit : IRequestSizeLimitMetadata
    {
        public long? MaxRequestBodySize => StartImageFolder.MaxFileBytes + 1L;
    }
}

/// <summary>A picture that jobs may start from.</summary>
/// <param name="Name">What jobs give as <c>start_image</c>.</param>
/// <param name="Width">Pixels.</param>
/// <param name="Height">Pixels.</param>
public sealed record StartImageView(string Name, int Width, int Height);
