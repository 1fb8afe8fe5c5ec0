using System.Text.RegularExpressions;
using BatchGen.Dashboard.Security;
using BatchGen.Testing;

namespace BatchGen.UnitTests.Dashboard;

/// <summary>The configuration files of reverse proxies overwrite or remove headers by which a client could pass for another.</summary>
public partial class ProxyFilesTests
{
    [Fact]
    public void The_file_for_nginx_overwrites_what_is_believed_and_removes_what_is_not()
    {
        var set = NginxHeader().Matches(Text("nginx.conf")).ToDictionary(
            match => match.Groups["name"].Value, match => match.Groups["value"].Value, StringComparer.OrdinalIgnoreCase);
        Assert.Equal("$remote_addr", set["X-Forwarded-For"]); // Not $proxy_add_x_forwarded_for, which keeps what the client sent.
        Assert.Equal("$scheme", set["X-Forwarded-Proto"]);
        Assert.Equal("$http_host", set["Host"]);
        Assert.All(Removed, name => Assert.Equal("\"\"", set[name]));
        Assert.Contains("proxy_buffering off;", Text("nginx.conf"), StringComparison.Ordinal);
    }

    [Fact]
    public void The_file_for_Caddy_overwrites_what_is_believed_and_removes_what_is_not()
    {
        var lines = Text("Caddyfile").Split('\n', StringSplitOptions.TrimEntries);
        Assert.Contains("header_up X-Forwarded-For {remote_host}", lines);
        Assert.Contains("header_up X-Forwarded-Proto {scheme}", lines);
        Assert.All(Removed, name => Assert.Contains($"header_up -{name}", lines));
        Assert.DoesNotContain(lines, line => line.StartsWith("trusted_proxies", StringComparison.Ordinal));
        Assert.DoesNotContain(lines, line => line.StartsWith("flush_interval", StringComparison.Ordinal));
    }

    // Of those by which a proxy is recognised; Via says nothing that is believed.
    private static IEnumerable<string> Removed =>
    [
        .. LocalAccess.ProxyHeaders.Except(["Via"]), "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Prefix",
        "X-Original-Host", "X-Original-For", "X-Original-Proto", "X-Original-Prefix",
    ];

    private static string Text(string name) => File.ReadAllText(Path.Combine(RepositoryPaths.Root, "docker", "proxy", name));

    [GeneratedRegex("proxy_set_header (?<name>\\S+) (?<value>[^;]+);", RegexOptions.ExplicitCapture)]
    private static partial Regex NginxHeader();
}
