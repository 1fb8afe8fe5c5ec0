using BatchGen.Core.Registry;
using BatchGen.Dashboard.Security;
using BatchGen.Queue.Registry;
using BatchGen.Queue.Reports;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace BatchGen.Dashboard.Pages.Registry;

/// <summary>Registered models and adapters with an image of each.</summary>
internal static class RegistryEndpoints
{
    // Looking for an image costs a step in an index each.
    private const int MaxSamples = 400;

    /// <summary>Maps the page.</summary>
    public static void Map(IEndpointRouteBuilder routes) =>
        routes.MapGet("/models", ShowAsync).RequireAuthorization(Policies.See).ExcludeFromDescription();

    private static async Task<IResult> ShowAsync(
        ModelRegistry models, AdapterRegistry adapters, ImageCatalog catalog, QueueOverview overview, CancellationToken cancellationToken)
    {
        var (modelList, adapterList) = (await models.ListAsync(cancellationToken), await adapters.ListAsync(cancellationToken));
        var ofAdapters = modelList.SelectMany(model => adapterList.Select(adapter => PrefixOf(model, adapter)));
        var prefixes = ofAdapters.Concat(modelList.Select(PrefixOf)).Take(MaxSamples).ToArray();
        var samples = await catalog.FindSamplesAsync(prefixes, cancellationToken);
        var paused = (await overview.ListPausedAsync(cancellationToken))
            .Where(item => item.Kind == "model").Select(item => item.Name).ToHashSet(StringComparer.Ordinal);
        return Page.Of<RegistryPage, RegistryModel>(new RegistryModel(
            modelList.Select(model => new ModelCard(model, paused.Contains(model.Name), SampleOf(PrefixOf(model)))).ToArray(),
            // An image with the adapter alone, on the first model that has one.
            adapterList.Select(adapter => new AdapterCard(
                adapter, modelList.Select(model => SampleOf(PrefixOf(model, adapter))).FirstOrDefault(job => job is not null))).ToArray()));

        long? SampleOf(string prefix) => samples.TryGetValue(prefix, out var job) ? job : null;
    }

    // How signatures begin that use the model alone, or with one adapter.
    private static string PrefixOf(ModelRecord model) => model.Name + "|";

    private static string PrefixOf(ModelRecord model, AdapterRecord adapter) => $"{model.Name}|{adapter.Name}@";
}
