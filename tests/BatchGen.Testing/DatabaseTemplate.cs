using BatchGen.Queue;
using BatchGen.Queue.Migrations;
using Hangfire.PostgreSql;
using Npgsql;

namespace BatchGen.Testing;

/// <summary>A migrated database on the private server of the tests, of which each test gets a copy.</summary>
/// <remarks>Migrating takes a server about ten times as long as copying what it made. All copies have the same schema name, since the
/// search paths of functions hold it, and the same identities of tables: what a test reads about the whole server (sessions, locks, roles)
/// it must narrow down to its own database or to <see cref="TestDatabase.Name"/>.</remarks>
internal sealed class DatabaseTemplate
{
    /// <summary>Name of the schema in every copy; distinct enough to be found and replaced in a dump.</summary>
    public const string Schema = "queue_under_test";

    /// <summary>What the name of Hangfire's schema has behind the name of the queue's.</summary>
    public const string HangfireEnding = "_hangfire";

    private const string Name = "template_of_tests";

    // A server that checkpoints for several copies at once, on a busy machine.
    private const int LimitSeconds = 120;

    private static readonly SemaphoreSlim Turn = new(1, 1);
    private static DatabaseTemplate? _made;

    // The superuser copies, so that the login of the tests needs no right that the program's login lacks.
    private readonly NpgsqlDataSource _server;
    private readonly string _owner;

    private DatabaseTemplate(NpgsqlDataSource server, string owner) => (_server, _owner) = (server, owner);

    /// <summary>The template, made at the first call; null on a server that the tests did not start, where their login may be unable to
    /// create databases.</summary>
    public static async Task<DatabaseTemplate?> FindAsync()
    {
        var address = await TestServer.GetAddressAsync();
        if (TestServer.SuperUserAddress is not { } superUser) return null;
        await Turn.WaitAsync();
        try
        {
            return _made ??= await MakeAsync(address, superUser);
        }
        finally
        {
            Turn.Release();
        }
    }

    /// <summary>Makes a database that is a copy.</summary>
    public async Task CopyAsync(string name)
    {
        await using var connection = await _server.OpenConnectionAsync();
        // By default newer servers write every page to their log, which takes two to four times as long, here for nothing.
        var strategy = connection.PostgreSqlVersion.Major >= 15 ? "strategy file_copy" : "";
        await RunAsync(connection, $"create database {name} template {Name} owner {_owner} {strategy}");
    }

    /// <summary>Removes a copy, whoever is still connected to it.</summary>
    public async Task DropAsync(string name)
    {
        await using var connection = await _server.OpenConnectionAsync();
        await RunAsync(connection, $"drop database {name} with (force)");
    }

    private static async Task<DatabaseTemplate> MakeAsync(string address, string superUser)
    {
        var owner = new NpgsqlConnectionStringBuilder(address) { Database = Name };
        var template = new DatabaseTemplate(NpgsqlDataSource.Create(superUser), owner.Username!);
        await using var connection = await template._server.OpenConnectionAsync();
        await RunAsync(connection, $"drop database if exists {Name} with (force)"); // Of a call that failed.
        await RunAsync(connection, $"create database {Name} owner {owner.Username}");
        await using (var queue = QueueDatabase.Open(owner.ConnectionString, new QueueOptions { Schema = Schema }))
        {
            await new Migrator(queue).MigrateAsync(CancellationToken.None);
            // As after the first start of a dashboard: its own tables take half as long to make as the queue's.
            await using var dashboard = await queue.DataSource.OpenConnectionAsync();
            PostgreSqlObjectsInstaller.Install(dashboard, Schema + HangfireEnding);
        }

        // The server copies only what nobody is connected to.
        await RunAsync(connection, $"alter database {Name} allow_connections false");
        return template;
    }

    private static async Task RunAsync(NpgsqlConnection connection, string statement)
    {
        await using var command = new NpgsqlCommand(statement, connection) { CommandTimeout = LimitSeconds };
        await command.ExecuteNonQueryAsync();
    }
}
