using System.CommandLine;
using BatchGen.Queue;
using BatchGen.Queue.Access;
using BatchGen.Queue.Checkpoints;
using BatchGen.Queue.Jobs;
using BatchGen.Queue.Migrations;
using BatchGen.Queue.Registry;
using BatchGen.Queue.Reports;
using BatchGen.Queue.Roles;
using BatchGen.Queue.Workers;
using Microsoft.Extensions.Logging;

namespace BatchGen.Composition;

/// <summary>An open, migrated queue for the length of one command, with the parts of it that commands use.</summary>
internal sealed class QueueSession : IAsyncDisposable
{
    private readonly DatabaseAddress _address;
    private readonly QueueDatabase _database;
    private readonly ILoggerFactory _logging;

    private QueueSession(
        Settings settings, DatabaseAddress address, QueueDatabase database, ILoggerFactory logging, IReadOnlyList<string> migrations)
    {
        Settings = settings;
        _address = address;
        _database = database;
        _logging = logging;
        AppliedMigrations = migrations;
        Submitter = new JobSubmitter(database);
        StartImages = new StartImageOwners(database);
        Jobs = new JobCatalog(database);
        JobActions = new JobActions(database);
        Tenants = new TenantRegistry(database);
        Models = new ModelRegistry(database);
        Adapters = new AdapterRegistry(database);
        Workers = new WorkerRegistry(database);
        Standstills = new StandstillFinder(database);
        Checkpoints = new CheckpointLog(database);
        Access = new AccessStore(database);
        Roles = new RoleKeeper(database);
        Functions = new FunctionMender(database);
        Owners = new OwnerKeeper(database, settings.Schemas);
    }

    /// <summary>The settings in use.</summary>
    public Settings Settings { get; }

    /// <summary>How to connect; may hold a password.</summary>
    public string ConnectionString => _address.ConnectionString;

    /// <summary>Names of the migrations that opening the queue applied.</summary>
    public IReadOnlyList<string> AppliedMigrations { get; }

    /// <summary>Puts jobs into the queue.</summary>
    public JobSubmitter Submitter { get; }

    /// <summary>Notes whose start images are.</summary>
    public StartImageOwners StartImages { get; }

    /// <summary>Lists and counts jobs.</summary>
    public JobCatalog Jobs { get; }

    /// <summary>Cancels and retries jobs.</summary>
    public JobActions JobActions { get; }

    /// <summary>The tenants that jobs belong to.</summary>
    public TenantRegistry Tenants { get; }

    /// <summary>The registered models.</summary>
    public ModelRegistry Models { get; }

    /// <summary>The registered adapters.</summary>
    public AdapterRegistry Adapters { get; }

    /// <summary>The workers that run or ran lately.</summary>
    public WorkerRegistry Workers { get; }

    /// <summary>Finds out whether the queue stands still.</summary>
    public StandstillFinder Standstills { get; }

    /// <summary>The weight checkpoints.</summary>
    public CheckpointLog Checkpoints { get; }

    /// <summary>Accounts and API keys.</summary>
    public AccessStore Access { get; }

    /// <summary>The roles of the database and their rights.</summary>
    public RoleKeeper Roles { get; }

    /// <summary>Finds and mends functions and views that somebody changed.</summary>
    public FunctionMender Functions { get; }

    /// <summary>Whom everything in the schemas belongs to.</summary>
    public OwnerKeeper Owners { get; }

    /// <summary>Finds the database, connects and migrates.</summary>
    /// <exception cref="CommandException">Settings are wrong, or the database cannot be reached or used.</exception>
    public static async Task<QueueSession> OpenAsync(ProgramContext context, ParseResult arguments, CancellationToken cancellationToken)
    {
        var settings = Settings.Read(context);
        settings.Logging.Format = arguments.GetValue(CommandLine.LogFormat) ?? settings.Logging.Format;
        var logging = LoggerFactory.Create(
            builder => ProgramLogging.Configure(builder, context, settings.Logging, CommandLine.LowestLevel(arguments)));
        DatabaseAddress? address = null;
        QueueDatabase? database = null;
        try
        {
            address = await DatabaseAddress.FindAsync(settings, logging.CreateLogger("BatchGen"), cancellationToken);
            var migrations = await DatabaseErrors.TranslateAsync(() =>
            {
                database = QueueDatabase.Open(address.ConnectionString, settings.Options.Queue);
                return new Migrator(database).MigrateAsync(cancellationToken);
            });
            return new QueueSession(settings, address, database!, logging, migrations);
        }
        catch
        {
            if (database is not null) await database.DisposeAsync();
            if (address is not null) await address.DisposeAsync();
            logging.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _database.DisposeAsync();
        await _address.DisposeAsync();
        _logging.Dispose();
    }
}
