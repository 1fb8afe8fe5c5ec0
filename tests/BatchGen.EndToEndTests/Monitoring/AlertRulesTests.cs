using System.Diagnostics;
using BatchGen.Testing;
using Xunit;

namespace BatchGen.EndToEndTests.Monitoring;

/// <summary>Prometheus accepts the alert rules, and they fire when they should.</summary>
public sealed class AlertRulesTests
{
    private static readonly string[] Places =
        ["/usr/bin/promtool", "/usr/local/bin/promtool", Path.Combine(RepositoryPaths.Root, "out", "tools", "promtool")];

    [Fact]
    public async Task Promtool_accepts_the_alert_rules() =>
        Assert.Contains("rules found", await RunAsync("check", "rules", MonitoringFiles.Rules), StringComparison.Ordinal);

    [Fact]
    public async Task Alerts_fire_when_they_should_and_only_then() =>
        Assert.Contains("SUCCESS", await RunAsync("test", "rules", MonitoringFiles.RuleTests), StringComparison.Ordinal);

    [Fact]
    public async Task Every_alert_has_a_test_and_a_line_on_the_operations_page()
    {
        var rules = await File.ReadAllLinesAsync(MonitoringFiles.Rules, TestContext.Current.CancellationToken);
        var tests = await File.ReadAllTextAsync(MonitoringFiles.RuleTests, TestContext.Current.CancellationToken);
        var page = await File.ReadAllTextAsync(
            Path.Combine(RepositoryPaths.Root, "docs", "operations.md"), TestContext.Current.CancellationToken);
        var alerts = rules.Select(line => line.Trim()).Where(line => line.StartsWith("- alert: ", StringComparison.Ordinal))
            .Select(line => line["- alert: ".Length..]).ToArray();
        Assert.True(alerts.Length >= 6, string.Join(", ", alerts));
        Assert.All(alerts, alert => Assert.Contains($"alertname: {alert}\n        exp_alerts", tests, StringComparison.Ordinal));
        Assert.All(alerts, alert => Assert.Contains($"| {alert} |", page, StringComparison.Ordinal));
    }

    private static async Task<string> RunAsync(params string[] arguments)
    {
        var program = Array.Find(Places, File.Exists);
        if (program is null && Environment.GetEnvironmentVariable("CI") != "true")
            Assert.Skip("promtool is not installed; ./batchgen test fetches it");
        Assert.NotNull(program);
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false,
        };
        using var process = Process.Start(start)!;
        var stop = TestContext.Current.CancellationToken;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(stop), process.StandardError.ReadToEndAsync(stop));
        await process.WaitForExitAsync(stop);
        Assert.True(process.ExitCode == 0, await output + await error);
        return await output;
    }
}
