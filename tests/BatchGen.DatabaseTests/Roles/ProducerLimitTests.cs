using BatchGen.Core.Jobs;
using BatchGen.Queue;
using BatchGen.Queue.Inspection;
using BatchGen.Queue.Jobs;
using BatchGen.Queue.Roles;
using BatchGen.Testing;
using Npgsql;
using Xunit;

namespace BatchGen.DatabaseTests.Roles;

/// <summary>Idle transactions and statements of producers end by themselves.</summary>
public sealed class ProducerLimitTests : IAsyncLifetime
{
    private readonly string _suffix = Guid.NewGuid().ToString("N")[..10];
    private TestDatabase _database = null!;

    private string Shop => "shop_" + _suffix;

    private string Worker => "worker_" + _suffix;

    public async ValueTask InitializeAsync()
    {
        _database = await TestDatabase.CreateAsync();
        await _database.AddModelAsync();
        await _database.SqlAsync($"create role {Shop} login password 'secret' in role batchgen_submitter");
        await _database.SqlAsync($"create role {Worker} login password 'secret' in role batchgen_worker");
    }

    public async ValueTask DisposeAsync()
    {
        await _database.SqlAsync($"drop role {Shop}; drop role {Worker}");
        await _database.DisposeAsync();
    }

    [Fact]
    public async Task A_producers_login_gets_limits_and_others_keep_theirs()
    {
        Assert.Contains(await LimitAsync(), done => done.Producer.Name == Shop && done.IsLimited);

        Assert.Equal(("1min", "5min"), await LimitsOfAsync(Shop));
        Assert.Equal(("0", "0"), await LimitsOfAsync(Worker));
        await using (var own = await _database.ConnectAsync())
            Assert.Equal("0", await ScalarAsync(own, "show statement_timeout"));
        Assert.DoesNotContain(await LimitAsync(), done => done.Producer.Name == Shop);
    }

    [Fact]
    public async Task An_idle_transaction_of_a_producer_is_ended_and_a_slow_statement_is_cut()
    {
        await LimitAsync();
        // Limits of an operator, which stay and which a test can wait for; a submit on a fresh connection is within them.
        await _database.SqlAsync($"alter role {Shop} in database {await DatabaseNameAsync()} set statement_timeout = '3s'; "
            + $"alter role {Shop} in database {await DatabaseNameAsync()} set idle_in_transaction_session_timeout = '200ms'");
        await LimitAsync();
        Assert.Equal(("200ms", "3s"), await LimitsOfAsync(Shop));

        await using var slow = await ConnectAsync(Shop);
        var cut = await Assert.ThrowsAsync<PostgresException>(() => ScalarAsync(slow, "select pg_sleep(60)"));
        Assert.Equal(PostgresErrorCodes.QueryCanceled, cut.SqlState);

        await using var idle = await ConnectAsync(Shop);
        await ScalarAsync(idle, """begin; select submit_job('{"prompt": "a"}')""");
        var server = idle.ProcessID;
        await Wait.UntilAsync(
            "the session with the idle transaction is gone",
            () => _database.SqlAsync<bool>("select not exists (select from pg_stat_activity where pid = $1)", server),
            cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(0L, await _database.SqlAsync<long>("select count(*) from jobs"));
    }

    [Fact]
    public async Task A_producer_that_somebody_decided_to_leave_without_limits_keeps_that_and_is_said_to_have_none()
    {
        await _database.SqlAsync(
            $"alter role {Shop} set statement_timeout = 0; alter role {Shop} set idle_in_transaction_session_timeout = 0");
        Assert.DoesNotContain(await LimitAsync(), done => done.Producer.Name == Shop);
        Assert.Equal(("0", "0"), await LimitsOfAsync(Shop));
        Assert.Equal(["idle_in_transaction_session_timeout=1min", "statement_timeout=5min"], (await FindAsync()).Missing);
    }

    [Theory]
    [InlineData("role in database", "0", "5h", "role")]
    [InlineData("role", "0min", "5h", "database")]
    public async Task A_producer_whose_first_setting_by_precedence_is_0_has_no_limit_whatever_the_later_ones_say(
        string first, string ofFirst, string ofSecond, string second)
    {
        try
        {
            await SetAsync(first, ofFirst);
            await SetAsync(second, ofSecond);
            Assert.Equal("0", (await LimitsOfAsync(Shop)).Statement);
            Assert.Contains("statement_timeout=5min", (await FindAsync()).Missing);

            await SetAsync(first, "0.5h");
            await SetAsync(second, "0");
            Assert.Equal("30min", (await LimitsOfAsync(Shop)).Statement);
            Assert.DoesNotContain("statement_timeout=5min", (await FindAsync()).Missing);
        }
        finally
        {
            // Other tests use the database too.
            await SetAsync("database", null);
        }
    }

    [Fact]
    public async Task A_worker_that_also_submits_gets_no_limits()
    {
        await _database.SqlAsync($"grant batchgen_submitter to {Worker}");
        Assert.DoesNotContain(await LimitAsync(), done => done.Producer.Name == Worker);
        Assert.Equal(("0", "0"), await LimitsOfAsync(Worker));
    }

    [Fact]
    public async Task A_load_of_a_producer_that_takes_longer_than_the_limit_of_its_statements_is_submitted()
    {
        await _database.SqlAsync($"alter role {Shop} set statement_timeout = '300ms'");
        var address = new NpgsqlConnectionStringBuilder(_database.ConnectionString) { Username = Shop, Password = "secret" };
        await using var queue = QueueDatabase.Open(address.ConnectionString, new QueueOptions { Schema = _database.Schema });
        IEnumerable<JobRequest> Slowly()
        {
            yield return new JobRequest { Prompt = "a" };
            // The limit has passed when the server says so.
            using var clock = new NpgsqlConnection(_database.ConnectionString);
            clock.Open();
            using var wait = new NpgsqlCommand("select pg_sleep(0.6)", clock);
            wait.ExecuteNonQuery();
            yield return new JobRequest { Prompt = "b" };
        }

        Assert.Equal(2, await new JobSubmitter(queue).SubmitManyAsync(Slowly(), null, TestContext.Current.CancellationToken));
    }

    private async Task<Producer> FindAsync() => Assert.Single(
        await new ServerInspector(_database.Queue).ListProducersAsync(CancellationToken.None), producer => producer.Name == Shop);

    // Null takes the setting away.
    private async Task SetAsync(string place, string? value)
    {
        var database = await DatabaseNameAsync();
        var whose = place switch
        {
            "role in database" => $"role {Shop} in database {database}",
            "role" => $"role {Shop}",
            "database" => $"database {database}",
            _ => throw new ArgumentOutOfRangeException(nameof(place), place, "unknown place"),
        };
        await _database.SqlAsync($"alter {whose} " + (value is null ? "reset statement_timeout" : $"set statement_timeout = '{value}'"));
    }

    private Task<IReadOnlyList<(Producer Producer, bool IsLimited)>> LimitAsync() =>
        new RoleKeeper(_database.Queue).LimitProducersAsync(TestContext.Current.CancellationToken);

    private async Task<string> DatabaseNameAsync() => (await _database.SqlAsync<string>("select quote_ident(current_database())"))!;

    private async Task<(string Idle, string Statement)> LimitsOfAsync(string login)
    {
        await using var connection = await ConnectAsync(login);
        return ((string)(await ScalarAsync(connection, "show idle_in_transaction_session_timeout"))!,
            (string)(await ScalarAsync(connection, "show statement_timeout"))!);
    }

    private async Task<NpgsqlConnection> ConnectAsync(string login)
    {
        var address = new NpgsqlConnectionStringBuilder(_database.ConnectionString)
        {
            Username = login, Password = "secret", Pooling = false, SearchPath = _database.Schema,
        };
        var connection = new NpgsqlConnection(address.ConnectionString);
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        return connection;
    }

    private static async Task<object?> ScalarAsync(NpgsqlConnection connection, string statement)
    {
        await using var command = new NpgsqlCommand(statement, connection);
        return await command.ExecuteScalarAsync(TestContext.Current.CancellationToken);
    }
}
