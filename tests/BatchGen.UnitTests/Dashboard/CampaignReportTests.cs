using BatchGen.Core.Jobs;
using BatchGen.Dashboard.Pages;
using BatchGen.Dashboard.Reports;
using BatchGen.Queue.Reports;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace BatchGen.UnitTests.Dashboard;

public class CampaignReportTests
{
    private static readonly DisplayFormat Display = new(TimeZoneInfo.Utc, TimeProvider.System);

    private static readonly CampaignReport Report = new()
    {
        Title = "<b>|*x*",
        At = DateTimeOffset.UnixEpoch,
        Counts = new JobCounts(0, 0, 3, 1, 0, 3),
        CheckpointsPassed = 2,
        Canaries = new CanaryCounts(First: 1, Equal: 4, Close: 0, Differs: 0),
        Failures = [new EndingReason { Reason = "generation", Jobs = 1, ExampleJob = 7, Example = "<script>\n|" }],
    };

    [Fact]
    public void A_report_in_Markdown_escapes_names_and_messages_of_users()
    {
        var text = CampaignReportMarkdown.Write(Report, Display);
        Assert.Contains("# &lt;b&gt;\\|\\*x\\*", text, StringComparison.Ordinal);
        Assert.Contains("| generation | 1 | job 7: &lt;script&gt; \\| |", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_report_in_HTML_escapes_names_and_messages_of_users()
    {
        await using var services = new ServiceCollection().AddSingleton(Display).BuildServiceProvider();
        var html = new ComponentHtml(services.GetRequiredService<IServiceScopeFactory>(), NullLoggerFactory.Instance);
        var text = await html.RenderAsync<CampaignReportDocument, CampaignReport>(Report);
        Assert.StartsWith("<!DOCTYPE html>", text, StringComparison.Ordinal);
        Assert.Contains("<h1>&lt;b&gt;|*x*</h1>", text, StringComparison.Ordinal);
        Assert.Contains("job 7: &lt;script&gt;", text, StringComparison.Ordinal);
        Assert.DoesNotContain("<script>", text, StringComparison.Ordinal);
    }

    [Fact]
    public void The_verdict_and_the_facts_of_a_report_say_what_failed_and_how_canaries_compared()
    {
        Assert.Equal("1 of 4 jobs failed.", Report.Verdict);
        Assert.Contains(new ReportFact("done", "3 of 4, 3 verified"), Report.Facts(Display));
        Assert.Contains(new ReportFact("canaries", "4 equal, 1 first"), Report.Facts(Display));
    }
}
