using System.Globalization;
using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace BatchGen.Dashboard.Security;

/// <summary>The kind of a body that takes memory or a connection of the database until its call is answered, beside the limit of its
/// length.</summary>
/// <param name="Name">Bodies of one kind are counted together.</param>
/// <param name="OfCaller">How many of one caller are served at the same time.</param>
/// <param name="OfAll">How many of all callers are served at the same time.</param>
/// <param name="WaitingOfCaller">How many of one caller wait for their turn; more are refused.</param>
/// <param name="WaitingOfAll">How many of all callers wait; more are refused.</param>
internal sealed record BodyKind(string Name, int OfCaller, int OfAll, int WaitingOfCaller = 8, int WaitingOfAll = 32);

/// <summary>How many bodies are read and served at the same time, so that the memory of the program and its connections to the database
/// stay bounded however many come.</summary>
/// <param name="KindOf">The kind of a request's body; null for one that is not counted.</param>
internal sealed record CountedBodies(Func<HttpContext, BodyKind?> KindOf)
{
    // Bodies up to this length take no memory to speak of.
    private const int SmallBytes = 1 << 20;

    // Whoever sends less keeps others waiting: a list of 64 MiB takes 17 minutes at most, and a small body ten seconds or few more.
    private static readonly MinDataRate LeastRate = new(bytesPerSecond: 64 << 10, gracePeriod: TimeSpan.FromSeconds(10));

    // A list of 64 MiB takes several times its length as text and as jobs.
    private static readonly BodyKind Form = new("form", OfCaller: 1, OfAll: 2);

    // One call takes one connection, mostly for milliseconds, and for as long as LockWait says when another transaction keeps what it
    // changes. With the other kinds they stay below the pool of the dashboard (ConnectionPools). Waiting ones take nothing.
    private static readonly BodyKind Small = new("small", OfCaller: 8, OfAll: 16, WaitingOfCaller: 64, WaitingOfAll: 256);

    /// <summary>Forms with a list of jobs or an image.</summary>
    public static CountedBodies OfForms { get; } = new(context => IsSmall(context) ? null : Form);

    /// <summary>Calls with a small body that change jobs.</summary>
    public static CountedBodies OfChanges { get; } = new(_ => Small);

    /// <summary>The kind of a small body, or another one of a body that is large.</summary>
    public static BodyKind SmallOr(BodyKind large, HttpContext context) => IsSmall(context) ? Small : large;

    /// <summary>True when a request says that its body is small.</summary>
    public static bool IsSmall(HttpContext context) => context.Request.ContentLength <= SmallBytes;

    /// <summary>Counts the bodies of endpoints that carry this as metadata.</summary>
    public static PartitionedRateLimiter<HttpContext> Limiter() => PartitionedRateLimiter.CreateChained(
        // In this order a caller that sends many waits for its own, and takes no place from others.
        PartitionedRateLimiter.Create<HttpContext, string>(context => KindOfBody(context) is { } kind
            ? AtOnce($"{kind.Name} {context.User.Identity?.Name}", kind.OfCaller, kind.WaitingOfCaller)
            : RateLimitPartition.GetNoLimiter("")),
        PartitionedRateLimiter.Create<HttpContext, string>(context => KindOfBody(context) is { } kind
            ? AtOnce(kind.Name, kind.OfAll, kind.WaitingOfAll)
            : RateLimitPartition.GetNoLimiter("")));

    /// <summary>Ends requests whose counted body comes too slowly (408); only the time in which it is read counts.</summary>
    public static Task RequireRateAsync(HttpContext context, RequestDelegate next)
    {
        // HTTP/2 has one rate for a whole connection.
        if (KindOfBody(context) is not null && HttpProtocol.IsHttp11(context.Request.Protocol)
            && context.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } rate)
            rate.MinDataRate = LeastRate;
        return next(context);
    }

    private static BodyKind? KindOfBody(HttpContext context) =>
        context.GetEndpoint()?.Metadata.GetMetadata<CountedBodies>()?.KindOf(context);

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
