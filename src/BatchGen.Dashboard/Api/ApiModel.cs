using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Mvc.ApiExplorer;
using CallDescription = Microsoft.AspNetCore.Mvc.ApiExplorer.ApiDescription;

namespace BatchGen.Dashboard.Api;

/// <summary>The calls of the HTTP API for people to read.</summary>
/// <param name="Groups">The calls by what they concern.</param>
public sealed record ApiModel(IReadOnlyList<ApiCallGroup> Groups)
{
    /// <summary>Reads the descriptions that the calls carry.</summary>
    internal static ApiModel Of(IApiDescriptionGroupCollectionProvider descriptions)
    {
        var calls = descriptions.ApiDescriptionGroups.Items.SelectMany(group => group.Items)
            .Where(call => call.RelativePath?.StartsWith("api/v1", StringComparison.Ordinal) == true);
        return new ApiModel(calls.GroupBy(TagOf, CallOf, (tag, list) => new ApiCallGroup(tag, list.ToArray())).ToArray());
    }

    private static string TagOf(CallDescription call) =>
        call.ActionDescriptor.EndpointMetadata.OfType<ITagsMetadata>().FirstOrDefault()?.Tags is [var tag, ..] ? tag : "Other";

    private static ApiCall CallOf(CallDescription call)
    {
        var metadata = call.ActionDescriptor.EndpointMetadata;
        return new ApiCall(
            call.HttpMethod ?? "GET",
            call.RelativePath!,
            metadata.OfType<IEndpointSummaryMetadata>().FirstOrDefault()?.Summary ?? "",
            metadata.OfType<IEndpointDescriptionMetadata>().FirstOrDefault()?.Description ?? "",
            string.Join(", ", call.ParameterDescriptions.Where(parameter => parameter.Source.Id is "Query" or "Path")
                .Select(parameter => parameter.Name)));
    }
}

/// <summary>Calls that concern the same thing.</summary>
/// <param name="Tag">What they concern.</param>
/// <param name="Calls">The calls.</param>
public sealed record ApiCallGroup(string Tag, IReadOnlyList<ApiCall> Calls);

/// <summary>A call of the HTTP API.</summary>
/// <param name="Method">HTTP method.</param>
/// <param name="Path">Path, without the first slash.</param>
/// <param name="Summary">What the call does, in a few words.</param>
/// <param name="Description">More about it; may be empty.</param>
/// <param name="Parameters">Names of the parameters in path and query.</param>
public sealed record ApiCall(string Method, string Path, string Summary, string Description, string Parameters);
