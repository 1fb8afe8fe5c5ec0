using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Web;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace BatchGen.Dashboard.Pages;

/// <summary>Draws components outside of a request, with the renderer that draws pages: parts of open pages, and reports as files.</summary>
internal sealed class ComponentHtml(IServiceScopeFactory scopes, ILoggerFactory logging)
{
    /// <summary>The HTML of a component.</summary>
    public async Task<string> RenderAsync<TComponent, TModel>(TModel model)
        where TComponent : ModelComponent<TModel>
        where TModel : class
    {
        await using var scope = scopes.CreateAsyncScope();
        await using var renderer = new HtmlRenderer(scope.ServiceProvider, logging);
        return await renderer.Dispatcher.InvokeAsync(async () =>
            (await renderer.RenderComponentAsync<TComponent>(ParameterView.FromDictionary(Parameters(model)))).ToHtmlString());
    }

    /// <summary>A model in the form in which the renderer takes parameters.</summary>
    public static Dictionary<string, object?> Parameters<TModel>(TModel model)
        where TModel : class => new(StringComparer.Ordinal) { [nameof(ModelComponent<TModel>.Model)] = model };
}
