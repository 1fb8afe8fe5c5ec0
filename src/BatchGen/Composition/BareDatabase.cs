using System.CommandLine;
using BatchGen.Queue;
using BatchGen.Queue.Backups;
using Microsoft.Extensions.Logging;

namespace BatchGen.Composition;

/// <summary>A database that a command uses as it is, without migrating it.</summary>
internal sealed class BareDatabase : IAsyncDisposable
{
    private readonly DatabaseAddress _address;
    private readonly ILoggerFactory _logging;

    private BareDatabase(Settings settings, DatabaseAddress address, ILoggerFactory logging)
    {
        (_address, _logging) = (address, logging);
        Queue = QueueDatabase.Open(address.ConnectionString, settings.Options.Queue);
        Backup = new DatabaseBackup(Queue, address.ConnectionString, settings.Schemas);
    }

    /// <summary>The connection pool.</summary>
    public QueueDatabase Queue { get; }

    /// <summary>Saves and restores the database.</summary>
    public DatabaseBackup Backup { get; }

    /// <summary>Finds the database, starting the private one where no other is named.</summary>
    public static async Task<BareDatabase> OpenAsync(
        ProgramContext context, Settings settings, ParseResult arguments, CancellationToken cancellationToken)
    {
        settings.Logging.Format = arguments.GetValue(CommandLine.LogFormat) ?? settings.Logging.Format;
        var logging = LoggerFactory.Create(
            builder => ProgramLogging.Configure(builder, context, settings.Logging, CommandLine.LowestLevel(arguments)));
        var address = await DatabaseAddress.FindAsync(settings, logging.CreateLogger("BatchGen"), cancellationToken);
        return new BareDatabase(settings, address, logging);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await Queue.DisposeAsync();
        await _address.DisposeAsync();
        _logging.Dispose();
    }
}
