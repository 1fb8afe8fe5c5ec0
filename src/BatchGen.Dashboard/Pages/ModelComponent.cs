using Microsoft.AspNetCore.Components;

namespace BatchGen.Dashboard.Pages;

/// <summary>A page, a report, or a part of one, that is drawn from one typed model.</summary>
/// <remarks>Models are public because the razor compiler makes every component public.</remarks>
public abstract class ModelComponent<TModel> : ComponentBase
    where TModel : class
{
    /// <summary>The data that the component shows.</summary>
    [Parameter, EditorRequired]
    public TModel Model { get; set; } = null!;
}
