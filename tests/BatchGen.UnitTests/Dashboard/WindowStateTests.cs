using System.Globalization;
using BatchGen.Dashboard.Live;
using BatchGen.Queue.Schedules;

namespace BatchGen.UnitTests.Dashboard;

public class WindowStateTests
{
    private static readonly DispatchWindow Night = new()
    {
        Name = "night",
        TimeZone = "Europe/Berlin",
        Opens = new(22, 0, 0),
        Closes = new(6, 0, 0),
        Weekdays = [1, 2, 3, 4, 5, 6, 7],
        Enabled = true,
    };

    [Theory]
    [InlineData("2026-01-10T20:59Z", false, "2026-01-10T21:00Z")]
    [InlineData("2026-01-10T21:00Z", true, "2026-01-11T05:00Z")]
    [InlineData("2026-03-28T22:00Z", true, "2026-03-29T04:00Z")] // The night the clock goes forward has seven hours.
    [InlineData("2026-10-24T21:00Z", true, "2026-10-25T05:00Z")] // The night the clock goes back has nine.
    [InlineData("2026-10-25T05:00Z", false, "2026-10-25T21:00Z")]
    public void A_window_opens_and_closes_by_the_clock_on_the_wall(string now, bool open, string change) =>
        Assert.Equal(new WindowState(true, open, At(change)), WindowState.At(At(now), [Night]));

    [Fact]
    public void Without_windows_jobs_may_always_be_claimed()
    {
        Assert.Equal(new WindowState(false, true, null), WindowState.At(At("2026-01-10T12:00Z"), []));
        Assert.Equal(new WindowState(false, true, null), WindowState.At(At("2026-01-10T12:00Z"),
            [new() { Name = "off", Opens = new(1, 0, 0), Closes = new(2, 0, 0), Weekdays = [1], Enabled = false }]));
    }

    [Fact]
    public void A_window_across_midnight_belongs_to_the_day_it_opened()
    {
        // Opens on Fridays only: Saturday 03:00 is inside, Sunday 03:00 is not.
        var friday = new DispatchWindow
        {
            Name = "friday",
            TimeZone = "UTC",
            Opens = new(22, 0, 0),
            Closes = new(6, 0, 0),
            Weekdays = [5],
            Enabled = true,
        };
        Assert.True(WindowState.IsOpenNow(friday, At("2026-01-10T03:00Z")));
        Assert.False(WindowState.IsOpenNow(friday, At("2026-01-11T03:00Z")));
        Assert.Equal(At("2026-01-16T22:00Z"), WindowState.At(At("2026-01-10T12:00Z"), [friday]).ChangesAt);
    }

    private static DateTimeOffset At(string text) => DateTimeOffset.Parse(text, CultureInfo.InvariantCulture);
}
