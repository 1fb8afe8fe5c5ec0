using System.Globalization;
using BatchGen.Dashboard.Pages;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.Metadata;

namespace BatchGen.Dashboard.Security;

/// <summary>How long the body of a call may be. Every endpoint has a limit: calls without one of their own that of
/// <see cref="OfOthers"/>.</summary>
internal sealed record BodyLimit(long Bytes) : IRequestSizeLimitMetadata
{
    /// <summary>The limit of login and logout, which anybody may send: 16 KiB.</summary>
    public static BodyLimit OfLogin { get; } = new(16L << 10);

    /// <summary>The limit of lists of ids and of forms without a file: 1 MiB.</summary>
    public static BodyLimit OfOthers { get; } = new(1L << 20);

    /// <summary>The limit of forms with a list of jobs: 64 MiB.</summary>
    public static BodyLimit OfLists { get; } = new(64L << 20);

    /// <inheritdoc/>
    public long? MaxRequestBodySize => Bytes;

    /// <summary>Refuses bodies that are announced as longer, and cuts off those that turn out to be; after routing.</summary>
    public static void Use(IApplicationBuilder app) => app.Use(async (context, next) =>
    {
        var limit = LimitOf(context.GetEndpoint());
        if (context.Request.ContentLength > limit)
        {
            await Refuse(context, limit).ExecuteAsync(context);
            return;
        }

        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } feature) feature.MaxRequestBodySize = limit;
        await next(context);
    });

    /// <summary>The limit of an endpoint in bytes.</summary>
    public static long LimitOf(Endpoint? endpoint) =>
        endpoint?.Metadata.GetMetadata<IRequestSizeLimitMetadata>()?.MaxRequestBodySize ?? OfOthers.Bytes;

    /// <summary>What a body that is too long is answered with.</summary>
    /// <param name="bytes">The limit.</param>
    public static string TextOf(long bytes) => string.Create(CultureInfo.InvariantCulture,
        $"The body is longer than the {bytes:N0} bytes that this call takes. Send less at once")
        + "; long lists of jobs go to /api/v1/jobs as application/x-ndjson, or through 'batchgen submit'.";

    private static IResult Refuse(HttpContext context, long limit) => context.Request.Path.StartsWithSegments("/api")
        ? Api.Problem.Of(statusCode: StatusCodes.Status413PayloadTooLarge, title: "Too long", detail: TextOf(limit))
        : Page.Message(Pages.Message.MessageModel.RefusedTitle, TextOf(limit), StatusCodes.Status413PayloadTooLarge);
}
