using System.Net;
using System.Text.RegularExpressions;
using Xunit;

namespace BatchGen.DatabaseTests.Dashboard;

/// <summary>Fills in and sends the forms of pages as a browser does: every field that stands in the form travels, the hidden
/// ones and the token too.</summary>
internal static partial class PageForms
{
    /// <summary>Sends the form that has an address, on its own or on a button, with some fields filled in.</summary>
    /// <param name="client">A client that keeps cookies.</param>
    /// <param name="html">A part of a page that begins before the form.</param>
    /// <param name="address">Where it goes.</param>
    /// <param name="filled">What is filled in, by name.</param>
    public static async Task<(HttpStatusCode Status, string Page)> SendAsync(
        this HttpClient client, string html, string address, params (string Name, string Value)[] filled)
    {
        var form = Form().Matches(html).Select(match => match.Value)
            .FirstOrDefault(text => text.Contains($"action=\"{address}\"", StringComparison.Ordinal));
        Assert.True(form is not null, $"There is no form for {address}.");
        using var content = new MultipartFormDataContent();
        foreach (var (name, value) in Fields(form).Where(field => filled.All(other => other.Name != field.Name)).Concat(filled))
            content.Add(new StringContent(value), $"\"{name}\"");
        using var answer = await client.PostAsync(address, content);
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync());
    }

    /// <summary>The row of a table that holds a text.</summary>
    public static string Row(string html, string text) => Assert.Single(
        html.Split("<tr>").Skip(1), row => WebUtility.HtmlDecode(row.Split("</tr>")[0]).Contains(text, StringComparison.Ordinal));

    private static IEnumerable<(string Name, string Value)> Fields(string form)
    {
        foreach (var tag in Input().Matches(form).Select(match => match.Value)
            .Where(tag => !tag.Contains("type=\"file\"", StringComparison.Ordinal)))
            if (Attribute(tag, "name") is { } name) yield return (name, Attribute(tag, "value") ?? "");
        foreach (Match area in TextArea().Matches(form))
            yield return (Attribute(area.Groups["tag"].Value, "name")!, WebUtility.HtmlDecode(area.Groups["text"].Value));
        foreach (Match list in Select().Matches(form))
        {
            var options = Option().Matches(list.Groups["options"].Value).Select(match => match.Value).ToArray();
            if ((Array.Find(options, option => option.Contains(" selected", StringComparison.Ordinal))
                ?? options.FirstOrDefault()) is { } chosen)
                yield return (Attribute(list.Groups["tag"].Value, "name")!, Attribute(chosen, "value")!);
        }
    }

    private static string? Attribute(string tag, string name) => Regex.Match(tag, $"\\s{name}=\"([^\"]*)\"", RegexOptions.None,
        TimeSpan.FromSeconds(5)) is { Success: true } match ? WebUtility.HtmlDecode(match.Groups[1].Value) : null;

    [GeneratedRegex("<form.*?</form>", RegexOptions.Singleline)]
    private static partial Regex Form();

    [GeneratedRegex("<input[^>]*>")]
    private static partial Regex Input();

    [GeneratedRegex("(?<tag><textarea[^>]*>)(?<text>.*?)</textarea>", RegexOptions.Singleline | RegexOptions.ExplicitCapture)]
    private static partial Regex TextArea();

    [GeneratedRegex("(?<tag><select[^>]*>)(?<options>.*?)</select>", RegexOptions.Singleline | RegexOptions.ExplicitCapture)]
    private static partial Regex Select();

    [GeneratedRegex("<option[^>]*>")]
    private static partial Regex Option();
}
