using System.Text.Json;
using BatchGen.Dashboard;
using BatchGen.Logging;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Configuration.Json;

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

    /// <summary>The schemas of the database that are BatchGen's: that of the queue first, then that of recurring work.</summary>
    public IReadOnlyList<string> Schemas =>
        [Options.Queue.Schema, DashboardServices.SchemaOfRecurringWork(Options.Queue.Schema)];

    /// <summary>Section <c>Logging</c>, validated.</summary>
    public LogSettings Logging { get; }

    /// <summary>Absolute path of the data folder.</summary>
    public string DataFolder { get; }

    /// <summary>The server to use, or null for the private one.</summary>
    public string? ConnectionString { get; }

    /// <summary>Path of the settings file: that of the project's folder, or the one beside an installed program.</summary>
    public static string File { get; } = Find();

    /// <summary>False when the settings file could not be read and only the environment counts.</summary>
    public bool FileIsReadable { get; private init; } = true;

    /// <summary>Whether the settings file itself, and not the environment, names a server.</summary>
    public static bool FileNamesServer(ProgramContext context)
    {
        try
        {
            return System.IO.File.Exists(File) && Build(File, context).Providers.OfType<JsonConfigurationProvider>()
                .Any(file => file.TryGet("ConnectionStrings:BatchGen", out var server) && !string.IsNullOrEmpty(server));
        }
        catch (CommandException)
        {
            return false;
        }
    }

    /// <summary>Reads the settings that can be used; the others keep their defaults or what is wrong with them, and are named.</summary>
    /// <param name="context">The environment and the home folder.</param>
    /// <param name="problems">Receives one line for each problem.</param>
    public static Settings ReadWhatFits(ProgramContext context, List<string> problems)
    {
        IConfigurationRoot configuration;
        var isReadable = true;
        try
        {
            configuration = Build(File, context);
        }
        catch (CommandException failure)
        {
            problems.Add(failure.Message);
            (configuration, isReadable) = (Defaults().Add(context.Environment).Build(), false);
        }

        var options = new BatchGenOptions();
        problems.AddRange(OptionsReader.ReadWhatFits(configuration.GetSection("BatchGen"), options));
        var server = configuration.GetConnectionString("BatchGen");
        return new Settings(
            string.IsNullOrEmpty(server) ? null : server, options, LoggingThatFits(configuration, problems),
            Path.GetFullPath(options.DataFolder, context.HomeFolder))
        {
            FileIsReadable = isReadable,
        };
    }

    /// <summary>Reads and checks all settings.</summary>
    /// <exception cref="CommandException">The file is not JSON, or a setting is unknown or wrong; all problems at once.</exception>
    public static Settings Read(ProgramContext context)
    {
        var configuration = Build(File, context);
        var options = new BatchGenOptions();
        OptionsReader.Read(configuration.GetSection("BatchGen"), options);
        var server = configuration.GetConnectionString("BatchGen");
        return new Settings(
            string.IsNullOrEmpty(server) ? null : server, options, LogSettings.Read(configuration.GetSection("Logging")),
            Path.GetFullPath(options.DataFolder, context.HomeFolder));
    }

    // Not the copy that a build made: what a person changes counts at the next start.
    private static string Find()
    {
        const string Name = "appsettings.json";
        return ProgramContext.FindOwnFolder() is { } folder && System.IO.File.Exists(Path.Combine(folder, Name))
            ? Path.Combine(folder, Name)
            : Path.Combine(AppContext.BaseDirectory, Name);
    }

    private static LogSettings LoggingThatFits(IConfigurationRoot configuration, List<string> problems)
    {
        try
        {
            return LogSettings.Read(configuration.GetSection("Logging"));
        }
        catch (CommandException failure)
        {
            problems.Add(failure.Message);
            return LogSettings.Read(Defaults().Build().GetSection("Logging"));
        }
    }

    private static IConfigurationBuilder Defaults() => new ConfigurationBuilder().AddInMemoryCollection(LogSettings.Defaults);

    private static IConfigurationRoot Build(string file, ProgramContext context)
    {
        try
        {
            return Defaults().AddJsonFile(file, optional: true).Add(context.Environment).Build();
        }
        catch (InvalidDataException failure)
        {
            var problem = (failure.InnerException as JsonException)?.Message ?? failure.Message;
            throw CommandException.BadInput($"The settings file '{file}' is not JSON: {problem}", failure);
        }
    }
}
