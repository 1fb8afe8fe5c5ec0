using System.Collections.Concurrent;
using System.Reflection;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;
using Xunit;
using Xunit.v3;

namespace BatchGen.DatabaseTests.Dashboard;

/// <summary>Says that a test shows the success of a route that changes something. A test that says so without getting a
/// successful answer fails.</summary>
/// <param name="route">Method and pattern, such as <c>POST /jobs/cancel</c>.</param>
/// <remarks>Only one dashboard runs at a time (see <see cref="DashboardHost.OneAtATime"/>), so what it answered belongs
/// to the test that runs.</remarks>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
public sealed class CoversRouteAttribute(string route) : BeforeAfterTestAttribute
{
    private static readonly ConcurrentDictionary<string, byte> Successes = new(StringComparer.Ordinal);

    /// <summary>Method and pattern.</summary>
    public string Route { get; } = route;

    /// <summary>Notes the routes that a dashboard answers with success.</summary>
    public static void Watch(IApplicationBuilder app) => app.Use(async (context, next) =>
    {
        await next(context);
        if (context.GetEndpoint() is RouteEndpoint endpoint && IsSuccess(context.Response))
            Successes[Name(context.Request.Method, endpoint)] = 0;
    });

    /// <summary>Routes that change something, each with its method; a route that takes any method counts as one of POST.</summary>
    public static IEnumerable<string> RoutesThatChange(IEnumerable<Endpoint> endpoints) =>
        from endpoint in endpoints.OfType<RouteEndpoint>()
        from method in endpoint.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods ?? [HttpMethods.Post]
        where !HttpMethods.IsGet(method) && !HttpMethods.IsHead(method) && !HttpMethods.IsOptions(method)
        select Name(method, endpoint);

    /// <inheritdoc/>
    public override void Before(MethodInfo methodUnderTest, IXunitTest test) => Successes.Clear();

    /// <inheritdoc/>
    public override void After(MethodInfo methodUnderTest, IXunitTest test) => Assert.True(
        Successes.ContainsKey(Route), $"{test.TestDisplayName} says that it covers {Route}, and got no successful answer from it.");

    private static string Name(string method, RouteEndpoint endpoint) => $"{method} /{endpoint.RoutePattern.RawText?.Trim('/')}";

    // A client that is sent to log in was not served.
    private static bool IsSuccess(HttpResponse response) =>
        response.StatusCode < StatusCodes.Status400BadRequest
        && !response.Headers.Location.ToString().StartsWith("/login?", StringComparison.Ordinal);
}
