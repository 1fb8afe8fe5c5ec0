using System.Globalization;
using BatchGen.Dashboard.Scheduling;
using Cronos;

namespace BatchGen.UnitTests.Dashboard;

public class CronTextTests
{
    [Theory]
    [InlineData("0 22 * * *")]
    [InlineData("*/5 0-6 1,15 * 1-5")]
    [InlineData("0 22-5 * * mon-fri")] // Through the night, and days by name, as Hangfire reads them.
    public void Cron_expressions_of_five_fields_are_accepted(string cron) => CronText.CheckComes(cron);

    [Theory]
    [InlineData("", "has 0 fields")]
    [InlineData("0 22 * *", "has 4 fields")]
    [InlineData("0 0 22 * * *", "has 6 fields")]
    [InlineData("@daily", "has 1 fields")]
    [InlineData("60 22 * * *", "The minute '60' is not understood: Value must be a number between 0 and 59")]
    [InlineData("0 22 * * moon", "The weekday 'moon'")]
    [InlineData("0 1/0 * * *", "The hour '1/0'")]
    [InlineData("0 3,25 * * *", "The hour '25'")]
    [InlineData("0 H * * *", "The hour 'H'")]
    [InlineData("0 0 1,,2 * *", "The day ''")]
    [InlineData("0 0 30 2 *", "'0 0 30 2 *' never comes: no day fits it.")]
    public void Wrong_cron_expressions_are_refused_by_field(string cron, string expected) =>
        Assert.Contains(expected, Assert.Throws<FormatException>(() => CronText.CheckComes(cron)).Message, StringComparison.Ordinal);

    [Theory]
    // 02:30 does not exist in the night in which clocks go forward: at 03:00.
    [InlineData("30 2 * * *", "2026-03-29T00:00Z", "2026-03-29T01:00Z")]
    // 02:30 comes twice in the night in which clocks go back: the first one.
    [InlineData("30 2 * * *", "2026-10-24T12:00Z", "2026-10-25T00:30Z")]
    [InlineData("0 22 * * *", "2026-03-28T12:00Z", "2026-03-28T21:00Z")]
    [InlineData("0 22 * * *", "2026-03-29T12:00Z", "2026-03-29T20:00Z")]
    public void Schedules_follow_the_clock_of_their_zone_through_summer_time(string cron, string from, string expected)
    {
        var zone = TimeZoneInfo.FindSystemTimeZoneById("Europe/Berlin");
        Assert.Equal(At(expected), CronExpression.Parse(cron).GetNextOccurrence(At(from), zone));
    }

    private static DateTimeOffset At(string text) => DateTimeOffset.Parse(text, CultureInfo.InvariantCulture);
}
