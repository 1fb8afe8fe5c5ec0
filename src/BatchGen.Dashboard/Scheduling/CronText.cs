using Cronos;

namespace BatchGen.Dashboard.Scheduling;

/// <summary>Checks cron expressions before they reach Hangfire, with messages that name the field.</summary>
/// <remarks>Cronos reads them, as it does inside Hangfire: what is accepted here runs there at the same times.</remarks>
internal static class CronText
{
    private static readonly string[] Fields = ["minute", "hour", "day", "month", "weekday"];

    /// <summary>Checks an expression of five fields that is to run at some time.</summary>
    /// <exception cref="FormatException">The text is not such an expression, or no day ever fits it; the
    /// message names the field.</exception>
    public static void CheckComes(string cron)
    {
        Check(cron);
        if (Parse(cron, problem => problem).GetNextOccurrence(DateTime.UnixEpoch) is null)
            throw new FormatException($"'{cron}' never comes: no day fits it.");
    }

    /// <summary>Checks an expression of five fields.</summary>
    /// <exception cref="FormatException">The text is not such an expression; the message names the field.</exception>
    public static void Check(string cron)
    {
        ArgumentNullException.ThrowIfNull(cron);
        var fields = cron.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (fields.Length != Fields.Length)
            throw new FormatException(
                $"'{cron}' has {fields.Length} fields; write five: minute hour day month weekday, for example '0 22 * * 1-5'.");
        for (var place = 0; place < fields.Length; place++)
        {
            foreach (var item in fields[place].Split(',')) CheckItem(item, place);
        }

        Parse(cron, problem => $"'{cron}' is not understood: {problem}");
    }

    // Alone among fields that fit anything, an item that is wrong is the one that the reader complains about.
    private static void CheckItem(string item, int place)
    {
        var fields = Enumerable.Repeat("*", Fields.Length).ToArray();
        fields[place] = item;
        Parse(string.Join(' ', fields), problem => $"The {Fields[place]} '{item}' is not understood: {problem}");
    }

    private static CronExpression Parse(string cron, Func<string, string> describe)
    {
        try
        {
            return CronExpression.Parse(cron, CronFormat.Standard);
        }
        catch (Exception failure) when (failure is CronFormatException or MissingSeedException)
        {
            // "The given cron expression has an invalid format. Hours: Value must be ...": only the end is news.
            var start = failure.Message.LastIndexOf(": ", StringComparison.Ordinal);
            throw new FormatException(describe(start < 0 ? failure.Message : failure.Message[(start + 2)..]), failure);
        }
    }
}
