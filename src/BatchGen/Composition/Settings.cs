using System.Text.Json;
using BatchGen.Logging;
using Microsoft.Extensions.Configuration;

namespace BatchGen.Composition;

/// <summary>Settings as configured: file beside the program, then environment.</summary>
internal sealed class Settings
{
    private Settings(string? connectionString, BatchGenOptions options, LogSettings logging, string dataFolder)
    {
        ConnectionString = connectionString;
        Options = options;
        Logging = logging;
        DataFolder = dataFolder;
    }

    /// <summary>Section <c>BatchGen</c>, validated.</summary>
    public BatchGenOptions Options { get; }

    /// <summary>Section <c>Logging</c>, validated.</summary>
    public LogSettings Logging { get; }

    /// <summary>Absolute path of the data folder.</summary>
    public string DataFolder { get; }

    /// <summary>The server to use, or null for the private one.</summary>
    public string? ConnectionString { get; }

    /// <summary>Reads and checks all settings.</summary>
    /// <exception cref="CommandException">The file is not JSON, or a setting is unknown or wrong; all problems at once.</exception>
    public static Settings Read(ProgramContext context)
    {
        var configuration = Build(Path.Combine(AppContext.BaseDirectory, "appsettings.json"), context);
        var options = new BatchGenOptions();
        OptionsReader.Read(configuration.GetSection("BatchGen"), options);
        var server = configuration.GetConnectionString("BatchGen");
        return new Settings(
            string.IsNullOrEmpty(server) ? null : server, options, LogSettings.Read(configuration.GetSection("Logging")),
            Path.GetFullPath(options.DataFolder, context.HomeFolder));
    }

    private static IConfigurationRoot Build(string file, ProgramContext context)
    {
        try
        {
            return new ConfigurationBuilder().AddInMemoryCollection(LogSettings.Defaults).AddJsonFile(file, optional: true)
                .Add(context.Environment).Build();
        }
        catch (InvalidDataException failure)
        {
            var problem = (failure.InnerException as JsonException)?.Message ?? failure.Message;
            throw CommandException.BadInput($"The settings file '{file}' is not JSON: {problem}", failure);
        }
    }
}
