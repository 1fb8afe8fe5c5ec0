using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using BatchGen.Core.Jobs;
using BatchGen.Core.Registry;
using BatchGen.Core.Rendering;
using BatchGen.Queue;
using BatchGen.Queue.Checkpoints;
using BatchGen.Queue.Claims;
using BatchGen.Queue.Jobs;
using BatchGen.Queue.Migrations;
using BatchGen.Queue.Registry;
using BatchGen.Queue.Workers;
using Npgsql;

namespace BatchGen.Testing;

/// <summary>A migrated schema of one test, with every part of the queue on it.</summary>
/// <remarks>On the private server of the tests it lies in a database of its own, a copy of <see cref="DatabaseTemplate"/>; on a server that
/// was given, or that the test runs itself, it is one of many in the database that was named.</remarks>
public sealed class TestDatabase : IAsyncDisposable
{
    private readonly DatabaseTemplate? _template;

    // A new session takes the server longer than most statements of tests, and a test that waits for something asks every 20 ms.
    private readonly NpgsqlDataSource _sessions;

    private TestDatabase(string name, string connectionString, QueueOptions options, DatabaseTemplate? template, bool mayCrash)
    {
        Name = name;
        _template = template;
        ConnectionString = connectionString;
        Queue = QueueDatabase.Open(connectionString, options);
        // A session that was open when its server crashed would fail the next statement.
        _sessions = NpgsqlDataSource.Create(connectionString + SettingsOfTest + (mayCrash ? "Pooling=false" : ""));
        Submitter = new(Queue);
        Catalog = new(Queue);
        Actions = new(Queue);
        Claims = new(Queue);
        Checkpoints = new(Queue);
        Models = new(Queue);
        Adapters = new(Queue);
        Workers = new(Queue);
    }

    /// <summary>A name that nothing else on the server has: sessions carry it as their application, and roles can be named after
    /// it.</summary>
    public string Name { get; }

    /// <summary>How to connect; the search path is not part of it.</summary>
    public string ConnectionString { get; }

    /// <summary>Connection pool of the queue.</summary>
    public QueueDatabase Queue { get; }

    /// <summary>Name of the schema.</summary>
    public string Schema => Queue.Options.Schema;

    public JobSubmitter Submitter { get; }

    public JobCatalog Catalog { get; }

    public JobActions Actions { get; }

    public BatchClaims Claims { get; }

    public CheckpointLog Checkpoints { get; }

    public ModelRegistry Models { get; }

    public AdapterRegistry Adapters { get; }

    public WorkerRegistry Workers { get; }

    /// <summary>Makes a migrated schema.</summary>
    /// <param name="options">Options of the queue; the schema's name is set here.</param>
    /// <param name="server">Connection string of a server of the test's own; without one that of all tests.</param>
    /// <param name="settings">What the connection string says besides.</param>
    public static async Task<TestDatabase> CreateAsync(QueueOptions? options = null, string? server = null, string settings = "")
    {
        options ??= new QueueOptions();
        var name = "test_" + Guid.NewGuid().ToString("N")[..20];
        // Many tests share one server, so each has few connections and closes those it does not use.
        var builder = new NpgsqlConnectionStringBuilder((server ?? await TestServer.GetAddressAsync()) + ";" + settings)
        {
            ApplicationName = name, MaxPoolSize = 30, ConnectionIdleLifetime = 5, ConnectionPruningInterval = 2,
        };
        if (server is null && await DatabaseTemplate.FindAsync() is { } template)
        {
            await template.CopyAsync(name);
            (options.Schema, builder.Database) = (DatabaseTemplate.Schema, name);
            return new TestDatabase(name, builder.ConnectionString, options, template, mayCrash: false);
        }

        options.Schema = name;
        var database = new TestDatabase(name, builder.ConnectionString, options, template: null, mayCrash: server is not null);
        await new Migrator(database.Queue).MigrateAsync(CancellationToken.None);
        return database;
    }

    /// <summary>Opens a connection whose search path is the schema.</summary>
    public async Task<NpgsqlConnection> ConnectAsync(string? extra = null)
    {
        var connection = new NpgsqlConnection(ConnectionString + SettingsOfTest + "Pooling=false;" + extra);
        await connection.OpenAsync();
        return connection;
    }

    /// <summary>Ends the idle sessions that ran statements of the test.</summary>
    public void EndSessions() => _sessions.Clear();

    /// <summary>Runs a statement written in a test, and returns the first column of its first row. Sessions are used again, so a
    /// statement must leave nothing behind in its own.</summary>
    public async Task<T?> SqlAsync<T>(string statement, params object[] values)
    {
        await using var connection = await _sessions.OpenConnectionAsync();
        await using var command = new NpgsqlCommand(statement, connection);
        foreach (var value in values) command.Parameters.AddWithValue(value);
        var result = await command.ExecuteScalarAsync();
        return result is null or DBNull ? default : (T)result;
    }

    /// <summary>Runs a statement written in a test.</summary>
    public Task SqlAsync(string statement, params object[] values) => SqlAsync<object>(statement, values);

    /// <summary>Whether a session waits for a lock on a table of this database. Copies of one template number their tables alike, so that
    /// a lock is told from another database's by both.</summary>
    public Task<bool> IsAwaitedAsync(string table) => SqlAsync<bool>(
        "select exists (select from pg_locks l join pg_database d on d.oid = l.database and d.datname = current_database() "
            + "where l.relation = $1::regclass and not l.granted)", table);

    /// <summary>How the superuser connects to this database; where the server was given and its superuser is not known, the test is
    /// skipped.</summary>
    // The prefix makes xunit count the test as skipped.
    public string SuperuserAddress => TestServer.SuperUserAddress is { } server
        ? new NpgsqlConnectionStringBuilder(server)
        {
            Database = new NpgsqlConnectionStringBuilder(ConnectionString).Database, Pooling = false,
        }.ConnectionString
        : throw new InvalidOperationException("$XunitDynamicSkip$The server was given, and its superuser is not known.");

    /// <summary>Runs a statement as the superuser.</summary>
    public async Task AsSuperuserAsync(string statement)
    {
        var settings = new NpgsqlConnectionStringBuilder(SuperuserAddress) { SearchPath = Schema };
        await using var connection = new NpgsqlConnection(settings.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(statement, connection);
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>Registers a model that no file stands behind.</summary>
    public Task AddModelAsync(string name = "demo", string family = "sd15", int native = 512)
    {
        var unet = new MasterFile("unet/model.safetensors", 10, Digest(name + "/unet"));
        var model = new ModelRecord(name, "/models/" + name, family, Digest(name), [unet], native, native);
        return Models.AddAsync(model, replace: false, CancellationToken.None);
    }

    /// <summary>Registers adapters that no file stands behind.</summary>
    public async Task AddAdaptersAsync(params IEnumerable<string> names)
    {
        foreach (var name in names)
        {
            var adapter = new AdapterRecord(name, "/adapters/" + name, Digest(name), 1000, "kohya", "lora", "sd15", 4, 4, 10, []);
            await Adapters.AddAsync(adapter, replace: false, CancellationToken.None);
        }
    }

    /// <summary>Registers a worker as running.</summary>
    public async Task<Guid> AddWorkerAsync(string name = "test worker")
    {
        var worker = Guid.NewGuid();
        await Workers.StartAsync(worker, name, Device, CancellationToken.None);
        return worker;
    }

    /// <summary>Submits one job per adapter list, each like <c>ink@0.8+wash</c>; an empty list renders the plain model.</summary>
    public Task<IReadOnlyList<long>> SubmitAsync(params IEnumerable<string> adapters)
    {
        var jobs = adapters.Select(list => new JobRequest { Prompt = "a red cube", Adapters = ParseAdapters(list) });
        return Submitter.SubmitAsync(jobs.ToArray(), CancellationToken.None);
    }

    /// <summary>Claims a batch for a worker; null when no job waits that it may take.</summary>
    public Task<ClaimedBatch?> ClaimAsync(Guid worker, int maxJobs = 32, IReadOnlyList<string>? models = null) =>
        Claims.ClaimAsync(new ClaimRequest(worker, models, maxJobs), CancellationToken.None);

    /// <summary>Completes jobs of a batch; all of them when none are named.</summary>
    public Task CompleteAsync(ClaimedBatch batch, params IEnumerable<long> jobIds)
    {
        var chosen = jobIds.ToHashSet();
        var completed = batch.Jobs.Where(job => chosen.Count == 0 || chosen.Contains(job.JobId)).Select(Completed);
        return Claims.CompleteAsync(batch, completed.ToArray(), CancellationToken.None);
    }

    /// <summary>Completes all jobs of a batch and closes it.</summary>
    public async Task FinishAsync(ClaimedBatch batch)
    {
        await CompleteAsync(batch);
        await Claims.CloseAsync(batch, CancellationToken.None);
    }

    /// <summary>Records a checkpoint of a worker; any verdict but a pass names one tensor that differs.</summary>
    public Task<CheckpointOutcome> CheckpointAsync(Guid worker, CheckpointVerdict verdict, ClaimedBatch? batch = null)
    {
        var check = verdict == CheckpointVerdict.Passed
            ? new WeightCheck(true, "aa", "aa", 10, 1000, [], 1.5)
            : new WeightCheck(false, "aa", "bb", 10, 1000, ["unet/conv_in.weight"], 1.5);
        var checkpoint = new WeightCheckpoint(worker, batch?.BatchId, batch?.Epoch, "demo", Device, check, verdict, null);
        return Checkpoints.RecordAsync(checkpoint, CancellationToken.None);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await Queue.DisposeAsync();
        if (_template is not null)
        {
            await _sessions.DisposeAsync();
            await _template.DropAsync(Name);
            return;
        }

        // The second schema is there after a dashboard ran.
        await SqlAsync($"drop schema {Schema} cascade; drop schema if exists {Schema + DatabaseTemplate.HangfireEnding} cascade");
        await _sessions.DisposeAsync();
    }

    private string SettingsOfTest => $";Search Path={Schema};Application Name={Name} test;";

    private static DeviceInfo Device { get; } = new("cpu", "test processor", "float32");

    private static CompletedJob Completed(ClaimedJob job) => new(
        job.JobId, $"2026/{job.JobId}.png", 100, Digest(job.JobId.ToString(CultureInfo.InvariantCulture)),
        job.Recipe.WidthPixels, job.Recipe.HeightPixels, job.Recipe.Seed, $$"""{"job_id": {{job.JobId}}}""");

    private static JobRequestAdapter[] ParseAdapters(string list) =>
        list.Split('+', StringSplitOptions.RemoveEmptyEntries).Select(spelling =>
        {
            var parts = spelling.Split('@');
            decimal? strength = parts.Length > 1 ? decimal.Parse(parts[1], CultureInfo.InvariantCulture) : null;
            return new JobRequestAdapter(parts[0], strength);
        }).ToArray();

    private static string Digest(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}
