using System.Reflection;
using BatchGen.Testing;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace BatchGen.DatabaseTests.Dashboard;

/// <summary>Every route of the dashboard that changes something has a test of its success.</summary>
[Collection(DashboardHost.OneAtATime)]
public sealed class RouteCoverageTests
{
    [Fact]
    public async Task Every_route_that_changes_something_has_a_test_of_its_success()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var dashboard = await DashboardHost.StartAsync(database);
        var endpoints = dashboard.Services.GetRequiredService<IEnumerable<EndpointDataSource>>().SelectMany(source => source.Endpoints);
        var routes = CoversRouteAttribute.RoutesThatChange(endpoints).Distinct(StringComparer.Ordinal)
            .Order(StringComparer.Ordinal).ToArray();
        Assert.Contains("POST /jobs/cancel", routes);
        Assert.Equal(routes, CoveredRoutes().Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal));
    }

    // Only methods count that run: tests that are not skipped.
    private static IEnumerable<string> CoveredRoutes() =>
        from method in typeof(RouteCoverageTests).Assembly.GetTypes().SelectMany(type => type.GetMethods())
        where method.GetCustomAttribute<FactAttribute>() is { Skip: null }
        from attribute in method.GetCustomAttributes<CoversRouteAttribute>()
        select attribute.Route;
}
