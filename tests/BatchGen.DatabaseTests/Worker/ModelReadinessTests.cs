using BatchGen.Core.Failures;
using BatchGen.Core.Monitoring;
using BatchGen.Core.Submitting;
using BatchGen.Queue.Schedules;
using BatchGen.Testing;
using BatchGen.Worker.Faults;
using BatchGen.Worker.Hosting;
using BatchGen.Worker.Monitoring;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace BatchGen.DatabaseTests.Worker;

/// <summary>Whether a worker is ready goes by the models that its machine lacks now, not by those that it lacked a moment ago.</summary>
public sealed class ModelReadinessTests : IAsyncLifetime
{
    private static readonly MachineLack Demo = new(LackKind.Model, "demo", "aa");
    private readonly FakeTimeProvider _clock = new();
    private TestDatabase _database = null!;
    private WorkerHealth _health = null!;
    private LackBook _lacks = null!;

    public async ValueTask InitializeAsync()
    {
        _database = await TestDatabase.CreateAsync();
        await _database.AddModelAsync();
        var options = new WorkerOptions { FileRetryInterval = TimeSpan.FromHours(1), MaxFileRetryInterval = TimeSpan.FromDays(1) };
        _health = new WorkerHealth(new WindowStore(_database.Queue), TimeProvider.System);
        _health.Enter(ProcessStates.Idle);
        // No device: nothing is due in these tests before an hour.
        _lacks = new LackBook(await _database.AddWorkerAsync(), null!, new StartImageFolder(Path.GetTempPath()), _database.Workers,
            _database.Models, options, _health, _clock, NullLogger.Instance);
    }

    public ValueTask DisposeAsync() => _database.DisposeAsync();

    [Fact]
    public async Task A_model_that_is_there_again_while_another_call_waits_for_the_list_of_models_leaves_the_worker_ready()
    {
        Task noted;
        await using (var other = await _database.ConnectAsync())
        await using (var transaction = await other.BeginTransactionAsync(Stop))
        {
            await using var command = new Npgsql.NpgsqlCommand("lock table models in access exclusive mode", other);
            await command.ExecuteNonQueryAsync(Stop);
            noted = _lacks.NoteAsync(Demo, "gone", Stop);
            await WorkerHost.UntilAsync("the list of models is asked for", () => _database.IsAwaitedAsync("models"));
            await _lacks.DropAsync(Demo, Stop);
        }

        await noted;
        Assert.True((await _health.ReadAsync(Stop)).IsReady);
    }

    [Fact]
    public async Task A_model_registered_while_every_other_one_is_lacking_makes_the_worker_ready_within_half_a_minute()
    {
        await _lacks.NoteAsync(Demo, "gone", Stop);
        Assert.Equal(new Readiness(false, ProcessStates.Degraded), await _health.ReadAsync(Stop));
        await _database.AddModelAsync("other");
        _clock.Advance(TimeSpan.FromSeconds(30));
        await _lacks.LookAgainAsync(Stop);
        Assert.True((await _health.ReadAsync(Stop)).IsReady);
    }

    private static CancellationToken Stop => TestContext.Current.CancellationToken;
}
