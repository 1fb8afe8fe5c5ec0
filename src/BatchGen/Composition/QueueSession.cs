using BatchGen.Queue;
using BatchGen.Queue.Migrations;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace BatchGen.Composition;

/// <summary>An open, migrated queue for the length of one command.</summary>
internal sealed class QueueSession : IAsyncDisposable
{
    private readonly DatabaseAddress _address;
    private readonly ServiceProvider _services;

    private QueueSession(Settings settings, DatabaseAddress address, ServiceProvider services, IReadOnlyList<string> migrations)
    {
        Settings = settings;
        _address = address;
        _services = services;
        AppliedMigrations = migrations;
    }

    /// <summary>The settings in use.</summary>
    public Settings Settings { get; }

    /// <summary>How to connect; may hold a password.</summary>
    public string ConnectionString => _address.ConnectionString;

    /// <summary>Migrations that opening applied.</summary>
    public IReadOnlyList<string> AppliedMigrations { get; }

    /// <summary>Finds the database, connects and migrates.</summary>
    /// <exception cref="CommandException">Settings are wrong, or the database cannot be reached or used.</exception>
    public static async Task<QueueSession> OpenAsync(ProgramContext context, bool verbose, CancellationToken cancellationToken)
    {
        var settings = Settings.Read(context);
        var services = new ServiceCollection();
        services.AddLogging(logging => ProgramLogging.Configure(logging, context, verbose ? LogLevel.Information : LogLevel.Warning));
        DatabaseAddress? address = null;
        ServiceProvider? provider = null;
        try
        {
            await using (var early = services.BuildServiceProvider())
                address = await DatabaseAddress.FindAsync(settings, early.GetRequiredService<ILoggerFactory>().CreateLogger("BatchGen"), cancellationToken);
            services.AddSingleton(context.Clock).AddQueue(address.ConnectionString, settings.Options.Queue);
            provider = services.BuildServiceProvider();
            var migrations = await DatabaseErrors.TranslateAsync(() => provider.GetRequiredService<Migrator>().MigrateAsync(cancellationToken));
            return new QueueSession(settings, address, provider, migrations);
        }
        catch
        {
            if (provider is not null) await provider.DisposeAsync();
            if (address is not null) await address.DisposeAsync();
            throw;
        }
    }

    /// <summary>A part of the queue.</summary>
    public T Get<T>()
        where T : notnull => _services.GetRequiredService<T>();

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _services.DisposeAsync();
        await _address.DisposeAsync();
    }
}
