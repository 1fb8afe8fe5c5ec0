using BatchGen.Composition;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;

namespace BatchGen.Logging;

/// <summary>The standard section <c>Logging</c>: which lines are written, by category, and how.</summary>
internal sealed class LogSettings
{
    private const string FormatKey = "Console:FormatterName";

    private LogSettings(IConfigurationSection section) => (Section, Format) = (section, section[FormatKey] ?? LogFormats.Text);

    /// <summary>The section with its defaults.</summary>
    public IConfigurationSection Section { get; }

    /// <summary>How lines are written; the command line may say another.</summary>
    public string Format { get; set; }

    /// <summary>The levels of the settings file, which are those without it too.</summary>
    public static IReadOnlyDictionary<string, string?> Defaults { get; } = new Dictionary<string, string?>(StringComparer.Ordinal)
    {
        ["Logging:LogLevel:Default"] = "Information",
        ["Logging:LogLevel:Microsoft"] = "Warning",
        // An error that keeps a host from starting ends the command, which prints it in one line.
        ["Logging:LogLevel:Microsoft.Extensions.Hosting.Internal.Host"] = "None",
        // It warns that keys are stored unencrypted; the key folder lies beside the private database and is as private as that.
        ["Logging:LogLevel:Microsoft.AspNetCore.DataProtection"] = "Error",
        ["Logging:LogLevel:Hangfire"] = "Warning",
        ["Logging:LogLevel:Npgsql"] = "Warning",
        ["Logging:Console:FormatterName"] = LogFormats.Text,
    };

    /// <summary>Reads and checks the section.</summary>
    /// <exception cref="CommandException">A level or the format is not one; all problems at once.</exception>
    public static LogSettings Read(IConfigurationSection section)
    {
        var levels = section.GetChildren().SelectMany(child => child.Key.Equals("LogLevel", StringComparison.OrdinalIgnoreCase)
            ? child.GetChildren() : child.GetSection("LogLevel").GetChildren());
        var names = string.Join(", ", Enum.GetNames<LogLevel>());
        var problems = levels
            .Where(level => !Enum.GetNames<LogLevel>().Contains(level.Value, StringComparer.OrdinalIgnoreCase))
            .Select(level => $"{level.Path}: '{level.Value}' is not one of {names}.").ToList();
        var read = new LogSettings(section);
        if (!LogFormats.All.Contains(read.Format, StringComparer.Ordinal))
            problems.Add($"{section.Path}:{FormatKey}: '{read.Format}' is not one of {string.Join(", ", LogFormats.All)}.");
        if (problems.Count == 0) return read;
        throw CommandException.BadInput(
            "The settings cannot be used:\n" + string.Join('\n', problems.Select(problem => "  " + problem)));
    }
}
