using BatchGen.Core.Texts;
using BatchGen.Dashboard.Pages.Message;
using BatchGen.Dashboard.Requests;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.WebUtilities;

namespace BatchGen.Dashboard.Pages;

/// <summary>Answers of endpoints that people see: pages, messages, and the way back to a page after a change.</summary>
internal static class Page
{
    /// <summary>A page drawn from its model.</summary>
    public static IResult Of<TPage, TModel>(TModel model, int statusCode = StatusCodes.Status200OK)
        where TPage : ModelComponent<TModel>
        where TModel : class =>
        new RazorComponentResult<TPage>(ComponentHtml.Parameters(model)) { StatusCode = statusCode, PreventStreamingRendering = true };

    /// <summary>A page that says in one sentence what happened.</summary>
    public static IResult Message(string title, string text, int statusCode) =>
        Of<MessagePage, MessageModel>(new MessageModel(title, ShortText.Of(text)), statusCode);

    /// <summary>A page that says that something does not exist.</summary>
    public static IResult NotFound(string what) => Message("Not found", what, StatusCodes.Status404NotFound);

    /// <summary>A page that says why a request was refused.</summary>
    public static IResult Refused(string why) => Message(MessageModel.RefusedTitle, why, StatusCodes.Status400BadRequest);

    /// <summary>Leads back to a page, which then shows a note of what was done; loading that page again does
    /// not repeat the change.</summary>
    /// <param name="address">Path of the page, with or without a query.</param>
    /// <param name="note">A sentence.</param>
    public static IResult BackTo(string address, string note) =>
        Results.LocalRedirect(QueryHelpers.AddQueryString(address, "note", QueryText.WithoutControls(ShortText.Of(note))));

    /// <summary>An address with those parts of a query that say something; null and empty ones are left out.</summary>
    public static string Address(string path, params ReadOnlySpan<KeyValuePair<string, string?>> query)
    {
        foreach (var (name, value) in query)
        {
            if (!string.IsNullOrEmpty(value)) path = QueryHelpers.AddQueryString(path, name, value);
        }

        return path;
    }
}
