using BatchGen.Dashboard.Live;

namespace BatchGen.UnitTests.Dashboard;

public class LiveMessageTests
{
    [Fact]
    public void An_event_keeps_every_line_of_its_data_in_the_stream() =>
        Assert.Equal("event: x\ndata: a\ndata: \ndata: event: y\n\n", new LiveMessage("x", "a\r\n\nevent: y").Format());
}
