using System.Net;
using BatchGen.Composition;
using BatchGen.Monitoring;

namespace BatchGen.UnitTests.Program;

/// <summary>Who reaches the health and metrics of a worker is checked before it listens.</summary>
public sealed class WorkerListenerTests
{
    [Theory]
    [InlineData("http://0.0.0.0:9464", "", "can be reached from other machines")]
    [InlineData("http://*:9464", "", "can be reached from other machines")]
    [InlineData("http://192.168.1.2:9464", "", "can be reached from other machines")]
    [InlineData("9464", "", "is not an address such as http://127.0.0.1:9464")]
    [InlineData("http://127.0.0.1:9464/metrics", "", "is not an address such as")]
    public void An_address_that_others_reach_without_a_token_is_refused(string url, string token, string expected)
    {
        var refused = Assert.Throws<CommandException>(() => WorkerListener.Check(url, token));
        Assert.Equal(ExitCodes.BadInput, refused.ExitCode);
        Assert.Contains(expected, refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://127.0.0.1:9464", "")]
    [InlineData("http://localhost:9464", "")]
    [InlineData("http://[::1]:9464", "")]
    [InlineData("http://0.0.0.0:9464", "secret")]
    public void An_address_of_this_machine_or_with_a_token_is_taken(string url, string token) => WorkerListener.Check(url, token);

    [Theory]
    [InlineData("", 3, "")]
    [InlineData("http://127.0.0.1:9464", 1, "http://127.0.0.1:9464")]
    [InlineData("http://127.0.0.1:9464", 3, "http://127.0.0.1:9466")]
    [InlineData("http://*:9464", 2, "http://*:9465")]
    public void Each_of_several_workers_takes_the_next_port(string url, int number, string expected) =>
        Assert.Equal(expected, WorkerListener.UrlOf(url, number));

    [Theory]
    [InlineData("127.0.0.1", "127.0.0.1:9464", "", "", true)]
    [InlineData("127.0.0.1", "localhost", "", "", true)]
    [InlineData("127.0.0.1", "evil.example", "", "", false)]
    [InlineData("10.0.0.5", "127.0.0.1:9464", "", "", false)]
    [InlineData("10.0.0.5", "worker:9464", "secret", "Bearer secret", true)]
    [InlineData("127.0.0.1", "127.0.0.1:9464", "secret", "", false)]
    [InlineData("10.0.0.5", "worker:9464", "secret", "Bearer secret2", false)]
    [InlineData("10.0.0.5", "worker:9464", "secret", "secret", false)]
    public void Metrics_are_read_by_this_machine_or_with_the_token(string from, string host, string token, string header, bool expected)
    {
        var context = new Microsoft.AspNetCore.Http.DefaultHttpContext();
        context.Connection.RemoteIpAddress = IPAddress.Parse(from);
        context.Request.Host = new Microsoft.AspNetCore.Http.HostString(host);
        if (header.Length > 0) context.Request.Headers.Authorization = header;
        Assert.Equal(expected, WorkerListener.MayRead(context, token));
    }
}
