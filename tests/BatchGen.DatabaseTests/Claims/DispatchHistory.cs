using BatchGen.Core.Jobs;
using BatchGen.Testing;
using Xunit;

namespace BatchGen.DatabaseTests.Claims;

/// <summary>A history of submits and claims, run on the database and on the model of the dispatch order at once.</summary>
internal sealed class DispatchHistory
{
    // Jobs of the model are older than the minutes say, so that the real time a test takes never decides which jobs are overdue.
    private const int HeadStartSeconds = 20;
    private const string Tenant = "default";

    private readonly TestDatabase _database;
    private readonly DispatchModel _model;
    private readonly Guid[] _workers;
    private readonly DispatchModel.Memory[] _memories;
    private readonly ClaimedBatch?[] _open;
    private readonly Dictionary<long, DispatchModel.Waiting> _waiting = [];
    private readonly Dictionary<string, double> _weights = new(StringComparer.Ordinal) { [Tenant] = 1 };
    private DateTime _now = new(2026, 1, 31, 0, 0, 0, DateTimeKind.Utc);

    private DispatchHistory(TestDatabase database, DispatchModel model, Guid[] workers)
    {
        (_database, _model, _workers) = (database, model, workers);
        _memories = [.. workers.Select(_ => new DispatchModel.Memory())];
        _open = new ClaimedBatch?[workers.Length];
    }

    /// <summary>Begins a history with two workers and an empty queue.</summary>
    public static async Task<DispatchHistory> BeginAsync(TestDatabase database, DispatchModel model)
    {
        await RandomHistory.EmptyQueueAsync(database);
        return new(database, model, [await database.AddWorkerAsync("one"), await database.AddWorkerAsync("two")]);
    }

    /// <summary>Takes one step: a submit, or a claim after some minutes.</summary>
    public async Task TakeAsync(HistoryStep step)
    {
        if (step.Action % 3 == 0)
        {
            await SubmitAsync(step);
            return;
        }

        await PassMinutesAsync(step.X % 4);
        var worker = step.X % _workers.Length;
        await EndBatchAsync(worker);
        await ClaimAsync(worker, maxJobs: step.Y % 4 + 1);
    }

    private async Task SubmitAsync(HistoryStep step)
    {
        var requests = Enumerable.Range(0, step.X % 6 + 1)
            .Select(i => new JobRequest
            {
                Adapters = [new(RandomHistory.Adapters[(step.Y + i * i) % RandomHistory.Adapters.Count])],
                Priority = (step.X + i) % 7 == 0 ? 1 : 0,
            })
            .ToArray();
        var ids = await _database.Submitter.SubmitAsync(requests, CancellationToken.None);
        foreach (var (id, request) in ids.Zip(requests))
        {
            var runAt = _now.AddSeconds(-HeadStartSeconds).AddMicroseconds(id);
            _waiting.Add(id, new(id, Tenant, request.Priority!.Value, $"demo|{request.Adapters![0].Name}@1", runAt));
        }

        // Which of the jobs of one call is oldest is not promised, so they are made to differ here, by id, as in the model.
        await _database.SqlAsync(
            "update jobs set run_at = date_trunc('second', run_at) + id * interval '1 microsecond' where id = any($1)", ids.ToArray());
    }

    private async Task PassMinutesAsync(int minutes)
    {
        await RandomHistory.PassTimeAsync(_database, TimeSpan.FromMinutes(minutes));
        _now = _now.AddMinutes(minutes);
    }

    private async Task EndBatchAsync(int worker)
    {
        if (_open[worker] is not { } batch) return;
        await _database.CompleteAsync(batch);
        await _database.Claims.RequeueAsync(batch, CancellationToken.None);
        _open[worker] = null;
    }

    private async Task ClaimAsync(int worker, int maxJobs)
    {
        var heldByOthers = _open.Where((batch, other) => other != worker && batch is not null)
            .GroupBy(batch => batch!.Signature.ToString())
            .ToDictionary(group => group.Key, group => group.Count(), StringComparer.Ordinal);
        var expected = _model.Claim(_waiting.Values, _memories[worker], _weights, heldByOthers, maxJobs, _now);
        _open[worker] = await _database.ClaimAsync(_workers[worker], maxJobs);
        Assert.Equal(expected.Select(job => job.Id), _open[worker]?.Jobs.Select(job => job.JobId) ?? []);
        foreach (var job in expected) _waiting.Remove(job.Id);
    }
}
