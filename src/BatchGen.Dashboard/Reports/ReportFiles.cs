using System.Globalization;
using System.Text;
using BatchGen.Core.Files;
using BatchGen.Dashboard.Pages;

namespace BatchGen.Dashboard.Reports;

/// <summary>Reports as texts and files.</summary>
internal sealed class ReportFiles(ComponentHtml html, DisplayFormat display, DashboardFolders folders)
{
    /// <summary>A report as Markdown that holds its images.</summary>
    public string ToMarkdown(CampaignReport report) => CampaignReportMarkdown.Write(report, display);

    /// <summary>A report as one HTML file that refers to nothing else.</summary>
    public Task<string> ToHtmlAsync(CampaignReport report) => html.RenderAsync<CampaignReportDocument, CampaignReport>(report);

    /// <summary>Writes a report into the report folder: as Markdown, with the images of canaries beside it, and as HTML.</summary>
    /// <param name="report">The report.</param>
    /// <param name="name">Name of the files, without extension; files of that name are replaced.</param>
    /// <param name="cancellationToken">Stops writing.</param>
    /// <returns>Path of the Markdown file.</returns>
    public async Task<string> SaveAsync(CampaignReport report, string name, CancellationToken cancellationToken)
    {
        OwnFiles.CreateFolder(folders.Reports, FolderAccess.Private);
        foreach (var image in report.CanaryImages.SelectMany(canary => canary.Images).DistinctBy(image => image.Id))
            await WriteAsync(FileOf(image.Id), image.Png);
        var path = Path.Combine(folders.Reports, name + ".md");
        await WriteAsync(name + ".md", Encoding.UTF8.GetBytes(CampaignReportMarkdown.Write(report, display, FileOf)));
        await WriteAsync(name + ".html", Encoding.UTF8.GetBytes(await ToHtmlAsync(report)));
        return path;

        Task WriteAsync(string file, byte[] content) =>
            OwnFiles.WriteAsync(Path.Combine(folders.Reports, file), content, FolderAccess.Private, cancellationToken);

        string FileOf(long canary) => string.Create(CultureInfo.InvariantCulture, $"{name}-canary-{canary}.png");
    }
}
