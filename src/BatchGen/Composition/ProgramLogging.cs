using BatchGen.Logging;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Configuration;
using Microsoft.Extensions.Logging.Console;

namespace BatchGen.Composition;

/// <summary>Log lines go to standard error, one line each, so that standard output holds results only.</summary>
internal static class ProgramLogging
{
    /// <summary>Adds the console, and the levels that the settings name.</summary>
    /// <param name="logging">Where it is added.</param>
    /// <param name="context">The clock.</param>
    /// <param name="settings">Section <c>Logging</c>, and the format.</param>
    /// <param name="lowest">Lower levels are left out whatever the settings say, because the command's output is for people.</param>
    public static void Configure(ILoggingBuilder logging, ProgramContext context, LogSettings settings, LogLevel lowest)
    {
        logging.AddConfiguration(settings.Section);
        // Before the console's own, one of which is called json too: the first of a name counts.
        foreach (var formatter in LogFormats.Formatters(context.Clock)) logging.Services.AddSingleton(formatter);
        logging.AddConsole();
        logging.Services.PostConfigure<ConsoleLoggerOptions>(console =>
            (console.FormatterName, console.LogToStandardErrorThreshold) = (settings.Format, LogLevel.Trace));
        logging.Services.PostConfigure<LoggerFilterOptions>(filter => Raise(filter, lowest));
    }

    private static void Raise(LoggerFilterOptions filter, LogLevel lowest)
    {
        var rules = filter.Rules.Select(rule => new LoggerFilterRule(
            rule.ProviderName, rule.CategoryName, rule.LogLevel is { } level && level > lowest ? level : lowest, rule.Filter)).ToArray();
        filter.Rules.Clear();
        foreach (var rule in rules) filter.Rules.Add(rule);
        if (filter.MinLevel < lowest) filter.MinLevel = lowest;
    }
}
