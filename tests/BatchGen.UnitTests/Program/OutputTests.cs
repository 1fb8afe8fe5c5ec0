using BatchGen.Core.Texts;
using BatchGen.Output;
using Microsoft.Extensions.Time.Testing;

namespace BatchGen.UnitTests.Program;

public class OutputTests
{
    [Theory]
    [InlineData(new long[] { 1, 2, 3, 7, 9, 10 }, "1-3, 7, 9-10")]
    [InlineData(new long[] { }, "")]
    [InlineData(new long[] { 5 }, "5")]
    public void Ids_are_printed_with_a_range_for_each_run_of_neighbours(long[] ids, string expected) =>
        Assert.Equal(expected, Printable.Ids(ids));

    [Fact]
    public void Control_characters_are_written_out()
    {
        Assert.Equal(@"a\u001b[31mb\tc\u202ed", Printable.Line("a\u001b[31mb\tc\u202Ed"));
        Assert.Equal("abc…", Printable.Line("abcdef", 4));
    }

    [Theory]
    [InlineData("abc\u001b", 4, "abc…")]
    [InlineData("ab\u001b", 8, @"ab\u001b")]
    [InlineData("ab\u001bc", 8, "ab…")]
    [InlineData("ab\u001bcd", 9, @"ab\u001b…")]
    [InlineData("ab\tcd", 5, @"ab\t…")]
    [InlineData("ab\tcd", 4, "ab…")]
    [InlineData("ab\U0001f600cd", 4, "ab…")]
    [InlineData("ab\U0001f600cd", 5, "ab\U0001f600…")]
    public void Lines_are_cut_before_a_written_out_character_that_does_not_fit_whole(string text, int length, string expected) =>
        Assert.Equal(expected, Printable.Line(text, length));

    [Theory]
    [InlineData(45, "45 s")]
    [InlineData(720, "12 min")]
    [InlineData(11_100, "3 h 5 min")]
    [InlineData(345_600, "4 days")]
    public void Time_spans_are_printed_in_the_unit_that_says_enough(int seconds, string expected) =>
        Assert.Equal(expected, Quantities.Span(TimeSpan.FromSeconds(seconds)));

    [Fact]
    public void Further_lines_of_a_labelled_text_are_indented_to_its_first()
    {
        var output = new StringWriter();
        var lines = new LabelledLines(output, labelWidth: 8);
        lines.Add("prompt", "two\nlines");
        lines.Add("left out", null);
        lines.AddUnlessEmpty("left out too", "");
        Assert.Equal("prompt  two\n        lines\n", output.ToString().ReplaceLineEndings("\n"));
    }

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
    }

    [Fact]
    public void Throughput_is_measured_anew_when_ended_jobs_were_requeued()
    {
        var clock = new FakeTimeProvider();
        var meter = new ThroughputMeter(clock);
        meter.Sample(100);
        clock.Advance(TimeSpan.FromSeconds(10));
        meter.Sample(120);
        Assert.NotNull(meter.TimeLeft(600));
        meter.Sample(10);
        Assert.Null(meter.TimeLeft(600));
    }

    [Theory]
    [InlineData("12", new long[] { 12 })]
    [InlineData("3-6", new long[] { 3, 4, 5, 6 })]
    public void Job_ids_are_read_alone_and_as_ranges(string text, long[] expected) =>
        Assert.Equal(expected, Commands.JobsCommand.ParseIds(text));
}
