using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace BatchGen.Dashboard.Requests;

/// <summary>Refuses control characters in addresses: no name, filter or page has one, and neither the database nor a header takes
/// them.</summary>
internal static class QueryText
{
    /// <summary>Refuses requests whose query has a control character, with status 400.</summary>
    public static void UseCheck(IApplicationBuilder app) => app.Use((context, next) =>
    {
        foreach (var (name, values) in context.Request.Query)
        {
            if (name.Any(char.IsControl)) throw Refused("the name of a parameter");
            foreach (var value in values) Check($"the parameter '{name}'", value);
        }

        return next(context);
    });

    /// <summary>Checks the address of a page that a form leads back to.</summary>
    /// <param name="field">Name of the field.</param>
    /// <param name="address">The address; null when the form has none.</param>
    /// <exception cref="BadHttpRequestException">It has a control character.</exception>
    public static void CheckAddress(string field, string? address) => Check($"the field '{field}'", address);

    /// <summary>The text with a space for each control character.</summary>
    public static string WithoutControls(string text) =>
        text.Any(char.IsControl) ? string.Concat(text.Select(letter => char.IsControl(letter) ? ' ' : letter)) : text;

    /// <summary>What a request with a control character is answered with.</summary>
    /// <param name="where">Where it is.</param>
    public static string TextOf(string where) =>
        $"There is a control character, such as NUL or a line break, in {where}. Leave it out and send the request again.";

    private static void Check(string where, string? text)
    {
        if (text is not null && text.Any(char.IsControl)) throw Refused(where);
    }

    private static BadHttpRequestException Refused(string where) => new(TextOf(where));
}
