using BatchGen.Core.Registry;
using BatchGen.Dashboard.Security;
using BatchGen.Queue.Registry;
using BatchGen.Queue.Reports;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace BatchGen.Dashboard.Pages.Registry;

/// <summary>Registered models and adapters with a picture of each.</summary>
internal static class RegistryEndpoints
{
    /// <summary>Maps it.</summary>
    public static void Map(IEndpointRouteBuilder routes) => routes.MapGet("/models", async (
        ModelRegistry models, AdapterRegistry adapters, ImageCatalog pictures, QueueOverview overview, CancellationToken cancellationToken) =>
    {
        var (modelList, adapterList) = (await models.ListAsync(cancellationToken), await adapters.ListAsync(cancellationToken));
        // A picture of the adapter alone, on the first model that has one.
        var prefixes = modelList.SelectMany(model => adapterList.Select(adapter => $"{model.Name}|{adapter.Name}@")).Concat(modelList.Select(model => model.Name + "|")).Take(400).ToArray();
        var samples = await pictures.FindSamplesAsync(prefixes, cancellationToken);
        return Page.Of<RegistryPage>(new RegistryModel(modelList, adapterList, samples, await overview.ListPausedAsync(cancellationToken)));
    }).RequireAuthorization(Policies.See).ExcludeFromDescription();
}

/// <summary>The registry page.</summary>
internal sealed record RegistryModel(
    IReadOnlyList<ModelRecord> Models, IReadOnlyList<AdapterRecord> Adapters, IReadOnlyDictionary<string, long> Samples, IReadOnlyList<PausedName> Paused)
{
    /// <summary>A job that shows an adapter alone, or null.</summary>
    public long? SampleOf(AdapterRecord adapter) =>
        Models.Select(model => Samples.TryGetValue($"{model.Name}|{adapter.Name}@", out var job) ? job : (long?)null).FirstOrDefault(job => job is not null);
}
