using BatchGen.Composition;
using BatchGen.Output;
using Microsoft.Extensions.Time.Testing;

namespace BatchGen.UnitTests.Program;

public class OutputTests
{
    [Theory]
    [InlineData(new long[] { 1, 2, 3, 7, 9, 10 }, "1-3, 7, 9-10")]
    [InlineData(new long[] { }, "")]
    [InlineData(new long[] { 5 }, "5")]
    public void Ids_are_listed_as_ranges(long[] ids, string expected) => Assert.Equal(expected, Printable.Ids(ids));

    [Fact]
    public void Control_characters_never_reach_the_terminal()
    {
        Assert.Equal("a [31mb c d", Printable.Line("a\u001b[31mb\tc\u202Ed"));
        Assert.Equal("abc…", Printable.Line("abcdef", 4));
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 2)]
    [InlineData(4, 8)]
    [InlineData(50, 60)]
    public void A_worker_that_keeps_dying_is_started_less_and_less_often(int deaths, int seconds) => Assert.Equal(TimeSpan.FromSeconds(seconds), WorkerSupervisor.Delay(deaths));

    [Fact]
    public void Throughput_is_that_of_the_last_minute()
    {
        var clock = new FakeTimeProvider();
        var meter = new ThroughputMeter(clock);
        Assert.Null(meter.PerMinute);
        for (var second = 0; second <= 300; second++)
        {
            meter.Sample(second < 240 ? second : 240 + ((second - 240) * 2));
            clock.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Equal(120, meter.PerMinute!.Value, 1.0); // Two a second lately; a minute earlier it was one.
        Assert.Equal(TimeSpan.FromMinutes(5), meter.TimeLeft(600));
        meter.Sample(10); // Jobs were put back: measuring starts anew.
        Assert.Null(meter.TimeLeft(600));
    }

    [Theory]
    [InlineData("12", new long[] { 12 })]
    [InlineData("3-6", new long[] { 3, 4, 5, 6 })]
    public void Ranges_of_ids_are_read(string text, long[] expected) => Assert.Equal(expected, Commands.JobsCommand.ParseIds(text));
}
