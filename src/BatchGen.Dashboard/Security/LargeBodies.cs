using System.Globalization;
using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace BatchGen.Dashboard.Security;

/// <summary>The kind of a body that takes memory while it is read, beside the limit of its length.</summary>
/// <param name="Name">Bodies of one kind are counted together.</param>
/// <param name="OfCaller">How many of one caller are read at the same time.</param>
/// <param name="OfAll">How many of all callers are read at the same time.</param>
internal sealed record BodyKind(string Name, int OfCaller, int OfAll);

/// <summary>How many large bodies are read at the same time, so that the memory of the program stays bounded however many come.</summary>
/// <param name="KindOf">The kind of a request's body; null for one that is small.</param>
internal sealed record LargeBodies(Func<HttpContext, BodyKind?> KindOf)
{
    // Bodies up to this length are not counted.
    private const int SmallBytes = 1 << 20;

    // Whoever sends less keeps others waiting: a list of 64 MiB takes 17 minutes at most.
    private static readonly MinDataRate LeastRate = new(bytesPerSecond: 64 << 10, gracePeriod: TimeSpan.FromSeconds(10));

    // Requests that wait for their turn, of one caller and of all; more are refused.
    private const int WaitingOfCaller = 8;
    private const int WaitingOfAll = 32;

    // A list of 64 MiB takes several times its length as text and as jobs.
    private static readonly BodyKind Form = new("form", OfCaller: 1, OfAll: 2);

    /// <summary>Forms with a list of jobs or an image.</summary>
    public static LargeBodies OfForms { get; } = new(context => IsSmall(context) ? null : Form);

    /// <summary>True when a request says that its body is small.</summary>
    public static bool IsSmall(HttpContext context) => context.Request.ContentLength <= SmallBytes;

    /// <summary>Counts the bodies of endpoints that carry this as metadata.</summary>
    public static PartitionedRateLimiter<HttpContext> Limiter() => PartitionedRateLimiter.CreateChained(
        // In this order a caller that sends many waits for its own, and takes no place from others.
        PartitionedRateLimiter.Create<HttpContext, string>(context => KindOfBody(context) is { } kind
            ? AtOnce($"{kind.Name} {context.User.Identity?.Name}", kind.OfCaller, WaitingOfCaller)
            : RateLimitPartition.GetNoLimiter("")),
        PartitionedRateLimiter.Create<HttpContext, string>(context => KindOfBody(context) is { } kind
            ? AtOnce(kind.Name, kind.OfAll, WaitingOfAll)
            : RateLimitPartition.GetNoLimiter("")));

    /// <summary>Ends requests whose large body comes too slowly (408); only the time in which it is read counts.</summary>
    public static Task RequireRateAsync(HttpContext context, RequestDelegate next)
    {
        // HTTP/2 has one rate for a whole connection.
        if (KindOfBody(context) is not null && HttpProtocol.IsHttp11(context.Request.Protocol)
            && context.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } rate)
            rate.MinDataRate = LeastRate;
        return next(context);
    }

    private static BodyKind? KindOfBody(HttpContext context) =>
        context.GetEndpoint()?.Metadata.GetMetadata<LargeBodies>()?.KindOf(context);

    private static RateLimitPartition<string> AtOnce(string name, int permits, int waiting) => RateLimitPartition.GetConcurrencyLimiter(
        name, _ => new ConcurrencyLimiterOptions
        {
            PermitLimit = permits,
            QueueLimit = waiting,
            QueueProcessingOrder = QueueProcessingOrder.OldestFirst,
        });
}

/// <summary>Says when a caller that was refused for now may come again.</summary>
internal static class RetryAfter
{
    // A large body has been read by then.
    private static readonly TimeSpan Usual = TimeSpan.FromSeconds(30);

    /// <summary>Sets the header.</summary>
    /// <param name="response">The answer that refuses.</param>
    /// <param name="after">When to come again; null says half a minute.</param>
    public static void Set(HttpResponse response, TimeSpan? after = null) => response.Headers.RetryAfter =
        Math.Ceiling((after ?? Usual).TotalSeconds).ToString(CultureInfo.InvariantCulture);
}
