using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.RateLimiting;

namespace BatchGen.Dashboard.Security;

/// <summary>How many streams of events one caller may have open; further ones are refused with 429.</summary>
internal static class StreamLimits
{
    /// <summary>Name of the limit of open pages: a person has many tabs.</summary>
    public const string Pages = "streams of pages";

    /// <summary>Name of the limit of listeners to counts.</summary>
    public const string Counts = "streams of counts";

    /// <summary>Name of the limit of listeners to jobs that end.</summary>
    public const string EndedJobs = "streams of ended jobs";

    private const int MostPages = 64;
    private const int MostListeners = 16;

    /// <summary>Adds the limits.</summary>
    public static void Add(RateLimiterOptions limiter)
    {
        foreach (var (name, most) in (ReadOnlySpan<(string, int)>)[(Pages, MostPages), (Counts, MostListeners), (EndedJobs, MostListeners)])
            limiter.AddPolicy(name, context => OfCaller(name, most, context));
    }

    private static RateLimitPartition<string> OfCaller(string name, int most, HttpContext context) =>
        RateLimitPartition.GetConcurrencyLimiter(
            $"{name} {context.User.Identity?.Name}", _ => new ConcurrencyLimiterOptions { PermitLimit = most, QueueLimit = 0 });
}
