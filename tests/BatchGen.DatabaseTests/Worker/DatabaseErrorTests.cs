using BatchGen.Core.Jobs;
using BatchGen.Core.Rendering;
using BatchGen.Queue;
using BatchGen.Testing;
using Npgsql;
using Xunit;

namespace BatchGen.DatabaseTests.Worker;

/// <summary>Workers go on after every error of the database that is not a fault of the program.</summary>
public sealed class DatabaseErrorTests
{
    private const string Away = "The database cannot take the worker's calls";
    private const string Denied = "The database denies the worker's calls";

    /// <summary>What is done to the login LOGIN of a worker, how it is undone, and what the worker says meanwhile.</summary>
    public static TheoryData<string, string, string, string> Faults => new()
    {
        { "the server takes reads only (25006)", "alter role LOGIN set default_transaction_read_only = on",
            "alter role LOGIN reset default_transaction_read_only", Away },
        { "every call takes longer than statement_timeout (57014)", "alter role LOGIN set statement_timeout = 1",
            "alter role LOGIN reset statement_timeout", Away },
        { "there are too many connections (53300)", "alter role LOGIN connection limit 0", "alter role LOGIN connection limit -1", Away },
        { "the login is closed (28000)", "alter role LOGIN nologin", "alter role LOGIN login", Denied },
        { "the login's rights are taken (42P01, since the schema cannot be seen)", "revoke batchgen_worker from LOGIN",
            "grant batchgen_worker to LOGIN", Denied },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task A_worker_goes_on_after(string fault, string begin, string end, string said)
    {
        Assert.NotEmpty(fault);
        await using var database = await DatabaseAsync();
        await using var login = await LoginAsync(database);
        var log = new RecordedLog();
        await using var worker = await WorkerHost.StartAsync(
            database, new FakeRenderer(), options => options.ExitWhenIdle = false, connectionString: login.Address, log: log);
        await log.UntilAsync("started on", TestContext.Current.CancellationToken);

        await login.ApplyAsync(begin);
        await log.UntilAsync(said, TestContext.Current.CancellationToken);
        await login.ApplyAsync(end);

        await AssertDrawsAsync(database, worker);
    }

    [Fact]
    public async Task A_worker_goes_on_after_the_server_held_no_more_notifications()
    {
        await using var database = await DatabaseAsync();
        // The server says so at the commit, as a trigger does that is deferred; 8 GB of notifications take too long for a test.
        await database.SqlAsync(
            """
            create function refuse() returns trigger language plpgsql as $$
            begin
              raise exception using errcode = '54000', message = 'too many notifications in the NOTIFY queue';
            end $$;
            create constraint trigger refuse after insert on images deferrable initially deferred for each row execute function refuse();
            """);
        var log = new RecordedLog();
        await using var worker = await WorkerHost.StartAsync(
            database, new FakeRenderer(), options => options.ExitWhenIdle = false, log: log);
        await database.SubmitAsync("");
        await log.UntilAsync(Away, TestContext.Current.CancellationToken);
        Assert.Null(worker.Outcome.Failure);
        await database.SqlAsync("drop trigger refuse on images");

        await WorkerHost.UntilVerifiedAsync(database, 1);
        await AssertDrawsAsync(database, worker, images: 2);
        Assert.Equal(1, (await database.Catalog.ListAsync(new JobFilter(null), CancellationToken.None)).Max(job => job.Attempts));
    }

    [Fact]
    public async Task A_worker_goes_on_after_its_connections_were_terminated_again_and_again()
    {
        await using var database = await DatabaseAsync();
        await using var login = await LoginAsync(database);
        await using var worker = await WorkerHost.StartAsync(
            database, new FakeRenderer(), options => options.ExitWhenIdle = false, connectionString: login.Address);
        await WorkerHost.UntilAsync("5 connections of the worker were terminated", TerminatedAsync(login), count => count >= 5);
        await AssertDrawsAsync(database, worker);
    }

    [Fact]
    public async Task A_worker_goes_on_after_a_failover_between_two_hosts()
    {
        await using var database = await DatabaseAsync();
        await using var login = await LoginAsync(database);
        // The second host has no server; while the first takes reads only, as a standby does, the driver finds no suitable host.
        var one = new NpgsqlConnectionStringBuilder(login.Address);
        var two = new NpgsqlConnectionStringBuilder(login.Address) { Host = $"{one.Host},/nowhere", HostRecheckSeconds = 1 };
        var log = new RecordedLog();
        await using var worker = await WorkerHost.StartAsync(
            database, new FakeRenderer(), options => options.ExitWhenIdle = false,
            connectionString: two.ConnectionString + ";Target Session Attributes=read-write", log: log);
        await log.UntilAsync("started on", TestContext.Current.CancellationToken);

        await login.ApplyAsync("alter role LOGIN set default_transaction_read_only = on");
        await log.UntilAsync(Away, TestContext.Current.CancellationToken);
        await login.ApplyAsync("alter role LOGIN reset default_transaction_read_only");

        await AssertDrawsAsync(database, worker);
    }

    [Fact]
    public async Task A_worker_that_registers_again_because_the_answer_was_lost_is_registered_once()
    {
        await using var database = await DatabaseAsync();
        var (id, device) = (Guid.CreateVersion7(), new DeviceInfo("cpu", "a processor", "float32"));
        await database.Workers.StartAsync(id, "one", device, CancellationToken.None);
        await database.Workers.StartAsync(id, "one", device, CancellationToken.None);
        Assert.Equal(id, Assert.Single(await database.Workers.ListAsync(CancellationToken.None)).WorkerId);
    }

    private static Func<Task<long>> TerminatedAsync(Login login)
    {
        var count = 0L;
        return async () => count += await login.TerminateAsync();
    }

    private static async Task AssertDrawsAsync(TestDatabase database, WorkerHost worker, int images = 1)
    {
        await database.SubmitAsync("");
        await WorkerHost.UntilVerifiedAsync(database, images);
        Assert.Null(worker.Outcome.Failure);
        Assert.Null(Assert.Single(await database.Workers.ListAsync(CancellationToken.None)).StoppedAt);
    }

    private static async Task<TestDatabase> DatabaseAsync()
    {
        var database = await TestDatabase.CreateAsync(new QueueOptions { PollInterval = TimeSpan.FromMilliseconds(50) });
        await database.AddModelAsync(native: 64);
        return database;
    }

    private static async Task<Login> LoginAsync(TestDatabase database)
    {
        var name = database.Name + "_login";
        await database.SqlAsync($"create role {name} login password 'secret' in role batchgen_worker; grant {name} to current_user");
        return new Login(database, name);
    }

    /// <summary>A login of its own, so that a fault meets nobody else on the server.</summary>
    private sealed class Login(TestDatabase database, string name) : IAsyncDisposable
    {
        public string Address { get; } = new NpgsqlConnectionStringBuilder(database.ConnectionString)
        {
            Username = name, Password = "secret",
        }.ConnectionString;

        /// <summary>Changes the login and ends its connections, so that the change holds from now on.</summary>
        public async Task ApplyAsync(string statement)
        {
            await database.SqlAsync(statement.Replace("LOGIN", name, StringComparison.Ordinal));
            await TerminateAsync();
        }

        public Task<long> TerminateAsync() => database.SqlAsync<long>(
            $"select count(*) from (select pg_terminate_backend(pid) from pg_stat_activity where usename = '{name}') ended");

        public async ValueTask DisposeAsync()
        {
            await TerminateAsync();
            await database.SqlAsync($"drop role {name}");
        }
    }
}
