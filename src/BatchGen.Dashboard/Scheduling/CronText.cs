using System.Globalization;

namespace BatchGen.Dashboard.Scheduling;

/// <summary>Checks cron expressions before they reach the scheduler, whose messages are not for people.</summary>
internal static class CronText
{
    private static readonly (string Name, int Low, int High)[] Fields = [("minute", 0, 59), ("hour", 0, 23), ("day", 1, 31), ("month", 1, 12), ("weekday", 0, 7)];

    /// <summary>Checks five fields of numbers, ranges, lists and steps.</summary>
    /// <exception cref="FormatException">Not such an expression; the message names the field.</exception>
    public static void Check(string cron)
    {
        ArgumentNullException.ThrowIfNull(cron);
        var parts = cron.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (parts.Length != Fields.Length) throw new FormatException($"'{cron}' has {parts.Length} fields; write five: minute hour day month weekday, for example '0 22 * * 1-5'.");
        for (var i = 0; i < parts.Length; i++)
            foreach (var item in parts[i].Split(',')) CheckItem(item, Fields[i]);
    }

    private static void CheckItem(string item, (string Name, int Low, int High) field)
    {
        var step = item.Split('/');
        var range = step[0].Split('-');
        var good = step.Length <= 2 && range.Length <= 2 && (step[0] == "*" || range.All(number => IsIn(number, field.Low, field.High)))
            && (step.Length == 1 || IsIn(step[1], 1, field.High))
            && (range.Length == 1 || int.Parse(range[0], CultureInfo.InvariantCulture) <= int.Parse(range[1], CultureInfo.InvariantCulture));
        if (!good) throw new FormatException($"The {field.Name} '{item}' is not '*', a number from {field.Low} to {field.High}, a range, a list or a step.");
    }

    private static bool IsIn(string text, int low, int high) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= low && number <= high;
}
