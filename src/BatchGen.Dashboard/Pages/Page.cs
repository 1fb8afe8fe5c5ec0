using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;

namespace BatchGen.Dashboard.Pages;

/// <summary>Answers with a page.</summary>
internal static class Page
{
    /// <summary>A page with one model.</summary>
    public static IResult Of<TPage>(object model, int statusCode = StatusCodes.Status200OK)
        where TPage : IComponent => new RazorComponentResult<TPage>(new Dictionary<string, object?>(StringComparer.Ordinal) { ["Model"] = model })
        {
            StatusCode = statusCode,
            PreventStreamingRendering = true,
        };

    /// <summary>Says that something is not there.</summary>
    public static IResult NotFound(string what) => Of<MessagePage>(new MessageModel("Not found", what), StatusCodes.Status404NotFound);

    /// <summary>Says that something was refused.</summary>
    public static IResult Refused(string why) => Of<MessagePage>(new MessageModel("That does not work", why), StatusCodes.Status400BadRequest);
}

/// <summary>A page of one message.</summary>
/// <param name="Title">Heading.</param>
/// <param name="Text">What happened.</param>
internal sealed record MessageModel(string Title, string Text);
