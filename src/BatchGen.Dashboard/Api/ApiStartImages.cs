using BatchGen.Core.Failures;
using BatchGen.Core.Submitting;
using BatchGen.Dashboard.Security;
using BatchGen.Queue;
using BatchGen.Queue.Jobs;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Net.Http.Headers;

namespace BatchGen.Dashboard.Api;

/// <summary>The call that takes images which jobs start from.</summary>
internal static class ApiStartImages
{
    // A browser asks before a page of another site sends one of these types; the types that forms send need no such question.
    private static readonly string[] Types = ["image/png", "image/jpeg", "image/webp"];

    // One byte more than an image may have, so that a longer one is refused with the message that says so.
    private static readonly BodyLimit Limit = new(StartImageFolder.MaxFileBytes + 1L);

    private static readonly BodyKind Image = new("image", OfCaller: 4, OfAll: 8);

    private static readonly CountedBodies Bodies = new(_ => Image);

    /// <summary>Maps the call that takes start images.</summary>
    public static void Map(IEndpointRouteBuilder routes) => routes.MapPost("/api/v1/start-images", PutAsync)
        .RequireAuthorization(Policies.ApiSubmit).DisableAntiforgery().WithMetadata(Limit, Bodies)
        .Accepts<Stream>(Types[0], Types[1], Types[2])
        .Produces<StartImageView>(StatusCodes.Status201Created).ProducesProblem(StatusCodes.Status400BadRequest)
        .ProducesProblem(StatusCodes.Status401Unauthorized).ProducesProblem(StatusCodes.Status403Forbidden)
        .ProducesProblem(StatusCodes.Status413PayloadTooLarge).ProducesProblem(StatusCodes.Status415UnsupportedMediaType)
        .ProducesProblem(StatusCodes.Status429TooManyRequests)
        .WithTags("Jobs").WithSummary("Keep an image to start from")
        .WithDescription("The body is the image itself, a still one. The answer's name is what jobs of the same tenant give as "
            + "start_image; the same image gets the same name.");

    private static async Task<IResult> PutAsync(
        HttpContext context, StartImageFolder folder, StartImageOwners owners, CancellationToken cancellationToken)
    {
        var isParsed = MediaTypeHeaderValue.TryParse(context.Request.ContentType, out var parsed);
        if (!isParsed || !Types.Contains(parsed!.MediaType.Value?.ToLowerInvariant(), StringComparer.Ordinal))
        {
            return Problem.Of(
                statusCode: StatusCodes.Status415UnsupportedMediaType, title: "Unknown content type",
                detail: $"Send {string.Join(", ", Types)}.");
        }

        try
        {
            using var bytes = new MemoryStream();
            await context.Request.Body.CopyToAsync(bytes, cancellationToken);
            var file = bytes.ToArray();
            var accepted = folder.Accept(file, "body");
            await owners.KeepAsync(
                accepted.Name, accepted.SizeBytes, AccessLookup.TenantOf(context.User), () => folder.Write(accepted, file, "body"),
                cancellationToken);
            var view = new StartImageView(accepted.Name, accepted.Header.WidthPixels, accepted.Header.HeightPixels);
            return Results.Json(view, ApiJson.Compact, statusCode: StatusCodes.Status201Created);
        }
        catch (Exception failure) when (failure is StartImageException or SubmitRefusedException)
        {
            return Problem.Of(
                statusCode: StatusCodes.Status400BadRequest, title: "The image was refused",
                detail: FailureText.WithoutFolders(failure.Message));
        }
    }
}

/// <summary>An image that jobs may start from.</summary>
/// <param name="Name">Name that jobs give as <c>start_image</c>.</param>
/// <param name="Width">Width in pixels.</param>
/// <param name="Height">Height in pixels.</param>
public sealed record StartImageView(string Name, int Width, int Height);
