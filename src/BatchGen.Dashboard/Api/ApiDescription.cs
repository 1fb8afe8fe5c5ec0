using System.Globalization;
using BatchGen.Core.Jobs;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.OpenApi;

namespace BatchGen.Dashboard.Api;

/// <summary>Adds to the OpenAPI document what the types of the calls do not say.</summary>
internal static class ApiDescription
{
    private const string Key = "key";

    /// <summary>Adds the OpenAPI document to the services.</summary>
    public static void Add(IServiceCollection services) =>
        services.AddOpenApi("v1", options => options.AddDocumentTransformer((document, _, _) => TransformAsync(document)));

    private static Task TransformAsync(OpenApiDocument document)
    {
        // An answer has the fields of the recipe beside its other fields; its type says only that there are more fields.
        if (document.Components?.Schemas?.TryGetValue(nameof(JobView), out var found) == true && found is OpenApiSchema view)
        {
            view.AdditionalProperties = null;
            view.Properties ??= new Dictionary<string, IOpenApiSchema>(StringComparer.Ordinal);
            foreach (var (name, schema) in ApiJobSchema.OfRecipe()) view.Properties[name] = schema;
        }

        document.AddComponent<IOpenApiSchema>(nameof(JobRequest), ApiJobSchema.OfSubmit());
        document.AddComponent<IOpenApiSecurityScheme>(Key, new OpenApiSecurityScheme
        {
            Type = SecuritySchemeType.Http, Scheme = "bearer", BearerFormat = "bgk_...",
            Description = "A key that 'batchgen keys add NAME --role viewer|submitter|operator' made.",
        });
        document.Security = [new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(Key, document)] = [] }];
        return Task.CompletedTask;
    }

    /// <summary>Describes the call that submits jobs: its header, and the three forms of its body.</summary>
    public static void OfSubmit(RouteHandlerBuilder call) => call.AddOpenApiOperationTransformer((operation, context, _) =>
    {
        (operation.Parameters ??= []).Add(new OpenApiParameter
        {
            Name = ApiSubmit.KeyHeader, In = ParameterLocation.Header,
            Schema = new OpenApiSchema { Type = JsonSchemaType.String, MaxLength = ApiSubmit.MaxKeyLength },
            Description = "Makes repeating the call harmless. The only job of a JSON body gets this key, others get KEY/1, KEY/2 and so "
                + "on, counted by element or line; a job that has an idempotency_key keeps its own. Jobs whose key is known are not "
                + "submitted again: the answer has the ids of those first submitted under it, whatever the body says now.",
        });
        var body = (OpenApiRequestBody)operation.RequestBody!;
        body.Description = string.Create(CultureInfo.InvariantCulture,
            $"application/json: a job or an array of jobs, at most {ApiSubmit.MaxJsonBytes >> 20} MiB and "
            + $"{ApiSubmit.MaxArrayJobs:N0} jobs. application/x-ndjson: one job a line, at most {ApiSubmit.MaxLineBytes:N0} bytes each.");
        var job = new OpenApiSchemaReference(nameof(JobRequest), context.Document);
        var array = new OpenApiSchema { Type = JsonSchemaType.Array, Items = job, MaxItems = ApiSubmit.MaxArrayJobs };
        body.Content!["application/json"].Schema = new OpenApiSchema { OneOf = [job, array] };
        body.Content["application/x-ndjson"].Schema = job;
        return Task.CompletedTask;
    });
}
