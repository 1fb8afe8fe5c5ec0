using System.Text;
using BatchGen.Dashboard.Reports;
using BatchGen.Dashboard.Requests;
using BatchGen.Dashboard.Security;
using BatchGen.Queue.Reports;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace BatchGen.Dashboard.Pages.Campaigns;

/// <summary>The page of a campaign, and its report as a file.</summary>
internal static class CampaignEndpoints
{
    private const int MaxImages = 24;

    /// <summary>Maps the page and the files.</summary>
    public static void Map(IEndpointRouteBuilder routes)
    {
        // Names may hold any letter, '/' included: they travel as a query.
        var pages = routes.MapGroup("/campaign").RequireAuthorization(Policies.See).ExcludeFromDescription();
        pages.MapGet("", ShowAsync);
        pages.MapGet("/report.md", DownloadMarkdownAsync);
        pages.MapGet("/report.html", DownloadHtmlAsync);
    }

    private static async Task<IResult> ShowAsync(
        string name, ReportCollector reports, ImageCatalog catalog, DisplayFormat display, CancellationToken cancellationToken)
    {
        if (await reports.OfCampaignAsync(name, asFile: false, cancellationToken) is not { } report)
            return Page.NotFound(MissingText.Campaign(name));
        var images = await catalog.ListAsync(new ImageFilter(name, Limit: MaxImages), cancellationToken);
        return Page.Of<CampaignPage, CampaignModel>(new CampaignModel(report, report.Facts(display).ToArray(), images.Images));
    }

    private static async Task<IResult> DownloadMarkdownAsync(
        string name, ReportCollector reports, ReportFiles files, CancellationToken cancellationToken) =>
        await reports.OfCampaignAsync(name, asFile: true, cancellationToken) is { } report
            ? File(files.ToMarkdown(report), "text/markdown; charset=utf-8", "report.md")
            : Page.NotFound(MissingText.Campaign(name));

    private static async Task<IResult> DownloadHtmlAsync(
        string name, ReportCollector reports, ReportFiles files, CancellationToken cancellationToken) =>
        await reports.OfCampaignAsync(name, asFile: true, cancellationToken) is { } report
            ? File(await files.ToHtmlAsync(report), "text/html; charset=utf-8", "report.html")
            : Page.NotFound(MissingText.Campaign(name));

    // Always a download: as a page of this site it would run under this site's name.
    private static IResult File(string text, string type, string name) => Results.File(Encoding.UTF8.GetBytes(text), type, name);
}
