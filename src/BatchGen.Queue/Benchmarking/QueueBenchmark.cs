using System.Collections.Concurrent;
using System.Diagnostics;
using BatchGen.Core.Jobs;
using BatchGen.Core.Rendering;
using BatchGen.Queue.Claims;
using BatchGen.Queue.Jobs;
using BatchGen.Queue.Migrations;
using BatchGen.Queue.Signals;
using BatchGen.Queue.Sql;
using BatchGen.Queue.Workers;
using Npgsql;

namespace BatchGen.Queue.Benchmarking;

/// <summary>Measures the queue on a real server, in a schema of its own that is dropped afterwards; nothing is rendered.</summary>
public sealed class QueueBenchmark : IAsyncDisposable
{
    private readonly string _connectionString;
    private readonly QueueDatabase _database;
    private readonly QueueBenchmarkOptions _options;
    private readonly Action<BenchmarkLine> _report;
    private ServerMeter _meter = null!;

    private QueueBenchmark(string connectionString, QueueBenchmarkOptions options, Action<BenchmarkLine> report) =>
        (_connectionString, _database, _options, _report) = (connectionString, Open(connectionString), options, report);

    /// <summary>Runs every measurement.</summary>
    /// <param name="connectionString">The server; the user must be allowed to create a schema.</param>
    /// <param name="options">Sizes.</param>
    /// <param name="report">Called with each result as it is known.</param>
    /// <param name="cancellationToken">Stops between measurements.</param>
    public static async Task RunAsync(
        string connectionString, QueueBenchmarkOptions options, Action<BenchmarkLine> report, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(report);
        var settings = new NpgsqlConnectionStringBuilder(connectionString) { MaxPoolSize = options.Workers * 2 + 20, CommandTimeout = 0 };
        await using var benchmark = new QueueBenchmark(settings.ConnectionString, options, report);
        await benchmark.PrepareAsync(cancellationToken);
        await benchmark.MeasureSingleSubmitsAsync(cancellationToken);
        await benchmark.MeasureStartLatencyAsync(cancellationToken);
        await benchmark.MeasureDrainAsync(cancellationToken);
        await benchmark.MeasureBacklogAsync(cancellationToken);
    }

    /// <summary>Drops the schema.</summary>
    public async ValueTask DisposeAsync()
    {
        await DropAsync(CancellationToken.None);
        await _database.DisposeAsync();
    }

    private async Task PrepareAsync(CancellationToken cancellationToken)
    {
        await DropAsync(cancellationToken);
        await new Migrator(_database).MigrateAsync(cancellationToken);
        await _database.ExecuteAsync("bench_register", new { adapters = _options.Signatures }, cancellationToken);
        _meter = ServerMeter.Of(await _database.ScalarAsync<int>("bench_server_process", null, cancellationToken));
    }

    private Task<int> DropAsync(CancellationToken cancellationToken) => _database.RunAsync(async connection =>
    {
        await using (var setting = new NpgsqlCommand(SqlFiles.Query("set_schema_setting"), connection))
        {
            setting.Parameters.AddWithValue("schema", _database.Options.Schema);
            await setting.ExecuteNonQueryAsync(cancellationToken);
        }

        await using var drop = new NpgsqlCommand(SqlFiles.Query("drop_schema"), connection);
        return await drop.ExecuteNonQueryAsync(cancellationToken);
    }, cancellationToken);

    private async Task MeasureSingleSubmitsAsync(CancellationToken cancellationToken)
    {
        var submitter = new JobSubmitter(_database);
        var jobs = Jobs(_options.SingleSubmits, _options.Signatures).ToArray();
        // Every connection is opened and used once before the measurement.
        await Task.WhenAll(
            Enumerable.Range(0, _options.Workers).Select(i => submitter.SubmitAsync([jobs[i % jobs.Length]], cancellationToken)));
        var next = -1;
        await MeasureAsync($"submit one by one, {_options.Workers} connections", jobs.Length,
            () => Task.WhenAll(Enumerable.Range(0, _options.Workers).Select(_ => SubmitNextAsync())));
        await ResetAsync(cancellationToken);

        async Task SubmitNextAsync()
        {
            for (var i = Interlocked.Increment(ref next); i < jobs.Length; i = Interlocked.Increment(ref next))
                await submitter.SubmitAsync([jobs[i]], cancellationToken);
        }
    }

    private async Task MeasureStartLatencyAsync(CancellationToken cancellationToken)
    {
        var submitter = new JobSubmitter(_database);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var started = new ConcurrentDictionary<long, TaskCompletionSource<long>>();
        var worker = await StartWorkerAsync(cancellationToken);
        var loop = Task.Run(
            () => ClaimUntilStoppedAsync(worker, (jobId, at) => StartOf(jobId).TrySetResult(at), stop.Token), cancellationToken);
        var times = new List<double>();
        foreach (var job in Jobs(_options.LatencySamples, 1))
        {
            var submitted = Stopwatch.GetTimestamp();
            var id = (await submitter.SubmitAsync([job with { Priority = 100 }], cancellationToken))[0];
            times.Add(Stopwatch.GetElapsedTime(submitted, await StartOf(id).Task).TotalMilliseconds);
            await Task.Delay(5, cancellationToken); // Lets the worker go idle again.
        }

        await stop.CancelAsync();
        await loop.ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        _report(BenchmarkLine.OfTimes("urgent job on an idle queue: submit to claimed", times));
        await ResetAsync(cancellationToken);

        TaskCompletionSource<long> StartOf(long jobId) =>
            started.GetOrAdd(jobId, _ => new(TaskCreationOptions.RunContinuationsAsynchronously));
    }

    // A worker that waits for jobs as a real one does, reports when it claimed each, and completes them at once.
    private async Task ClaimUntilStoppedAsync(Guid worker, Action<long, long> claimed, CancellationToken cancellationToken)
    {
        var claims = new BatchClaims(_database);
        await using var signal = new WorkSignal(_database);
        while (true)
        {
            if (await claims.ClaimAsync(new ClaimRequest(worker, null, 32), cancellationToken) is not { } batch)
            {
                await signal.WaitAsync(cancellationToken);
                continue;
            }

            var at = Stopwatch.GetTimestamp();
            foreach (var job in batch.Jobs) claimed(job.JobId, at);
            await claims.CompleteAsync(batch, batch.Jobs.Select(Finish).ToArray(), cancellationToken);
            await claims.CloseAsync(batch, cancellationToken);
        }
    }

    private async Task MeasureDrainAsync(CancellationToken cancellationToken)
    {
        var (count, workers, batch) = (_options.DrainJobs, _options.Workers, _options.DrainBatch);
        await new JobSubmitter(_database).SubmitManyAsync(Jobs(count, _options.DrainSignatures), null, cancellationToken);
        await MeasureAsync(
            $"claim, complete and close trivial jobs: {workers} workers, batches of {batch}, {_options.DrainSignatures} signatures", count,
            () => DrainAsync(workers, batch, count, null, cancellationToken));
        await ResetAsync(cancellationToken);
    }

    private async Task MeasureBacklogAsync(CancellationToken cancellationToken)
    {
        await FillBacklogAsync(cancellationToken);
        await _database.ExecuteAsync("bench_settle", null, cancellationToken);
        await MeasureClaimsAsync("1 worker", 1, cancellationToken);
        await MeasureClaimsAsync("8 workers at once", 8, cancellationToken);
        await MeasureUnderSnapshotAsync(cancellationToken);
        await MeasureRestAsync(cancellationToken);
        await ResetAsync(cancellationToken);
    }

    // By as many loads at once as there are processors, two at most.
    private Task FillBacklogAsync(CancellationToken cancellationToken)
    {
        var (count, loads) = (_options.Jobs, Math.Max(1, Math.Min(2, Environment.ProcessorCount)));
        return MeasureAsync($"submit in bulk (COPY and submit_staged), {loads} connections, {_options.Signatures} skewed signatures", count,
            () => Task.WhenAll(Enumerable.Range(0, loads).Select(i => Task.Run(() => LoadAsync(i), cancellationToken))));

        Task LoadAsync(int load) =>
            new JobSubmitter(_database).SubmitManyAsync(Jobs(count / loads, _options.Signatures, seed: load + 1), null, cancellationToken);
    }

    // Claims after many completions, while a session holds a snapshot from before them.
    private async Task MeasureUnderSnapshotAsync(CancellationToken cancellationToken)
    {
        await using var old = await _database.DataSource.OpenConnectionAsync(cancellationToken);
        await using var transaction = await old.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead, cancellationToken);
        await using (var hold = new NpgsqlCommand(SqlFiles.Query("bench_hold_snapshot"), old, transaction))
            await hold.ExecuteScalarAsync(cancellationToken);
        var finish = Math.Min(_options.Jobs / 2, _options.Jobs - 20_000);
        await MeasureAsync(
            "the same backlog, batches of 32, 8 workers, snapshot held", finish, () => DrainAsync(8, 32, finish, null, cancellationToken));
        await MeasureClaimsAsync("1 worker, after half was completed, snapshot held", 1, cancellationToken);
        await MeasureClaimsAsync("8 workers at once, after half was completed, snapshot held", 8, cancellationToken);
    }

    // To the end of the backlog, counting fusions.
    private async Task MeasureRestAsync(CancellationToken cancellationToken)
    {
        var catalog = new JobCatalog(_database);
        var left = (int)(await catalog.CountAsync(null, cancellationToken)).Queued;
        await MeasureAsync(
            "the rest of the backlog, batches of 32, 8 workers", left, () => DrainAsync(8, 32, left, null, cancellationToken));
        var fusions = await catalog.CountFusionsAsync(null, cancellationToken);
        var signatures = await _database.ScalarAsync<long>("bench_count_signatures", null, cancellationToken);
        _report(new BenchmarkLine(
            $"fusions for the whole backlog (one per signature would be {signatures}, in arrival order {fusions.InArrivalOrder})",
            fusions.Done, null, null, null));
    }

    private async Task MeasureClaimsAsync(string how, int workers, CancellationToken cancellationToken)
    {
        var times = new ConcurrentBag<double>();
        await DrainAsync(workers, 32, _options.Claims * 32, times, cancellationToken);
        _report(BenchmarkLine.OfTimes($"claim of 32 with one signature, {how}", [.. times]));
    }

    // Workers claim, complete and close until so many jobs are done or no job waits.
    private async Task DrainAsync(
        int workers, int batchSize, int jobs, ConcurrentBag<double>? claimTimes, CancellationToken cancellationToken)
    {
        var left = jobs;
        await Task.WhenAll(Enumerable.Range(0, workers).Select(_ => Task.Run(DrainAsWorkerAsync, cancellationToken)));

        async Task DrainAsWorkerAsync()
        {
            // A worker is a process of its own with a pool of its own. From a common pool each call would get another
            // connection, whose caches are cold.
            await using var database = Open(_connectionString);
            var (worker, claims, warm, empty) = (await StartWorkerAsync(cancellationToken), new BatchClaims(database), 0, 0);
            while (Volatile.Read(ref left) > 0 && empty < 3)
            {
                var started = Stopwatch.GetTimestamp();
                var batch = await claims.ClaimAsync(new ClaimRequest(worker, null, batchSize), cancellationToken);
                // The first claims of a connection plan and warm up; a worker makes them once a night.
                if (warm++ >= 5) claimTimes?.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
                if (batch is null)
                {
                    empty++;
                    await Task.Delay(20, cancellationToken);
                    continue;
                }

                empty = 0;
                await claims.CompleteAsync(batch, batch.Jobs.Select(Finish).ToArray(), cancellationToken);
                await claims.CloseAsync(batch, cancellationToken);
                Interlocked.Add(ref left, -batch.Jobs.Count);
            }

            await new WorkerRegistry(_database).StopAsync(worker, "benchmark done", cancellationToken);
        }
    }

    private async Task MeasureAsync(string what, int jobs, Func<Task> work)
    {
        var (started, cpu) = (Stopwatch.GetTimestamp(), _meter.Seconds());
        await work();
        var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        _report(new BenchmarkLine(what, jobs, jobs / seconds, _meter.Seconds() - cpu is { } used ? used * 1000 / jobs : null, null));
    }

    private async Task<Guid> StartWorkerAsync(CancellationToken cancellationToken)
    {
        var worker = Guid.NewGuid();
        await new WorkerRegistry(_database).StartAsync(worker, "benchmark", new DeviceInfo("none", "benchmark", "none"), cancellationToken);
        return worker;
    }

    private static QueueDatabase Open(string connectionString) => QueueDatabase.Open(connectionString, new QueueOptions
    {
        Schema = "batchgen_bench",
        LeaseDuration = TimeSpan.FromHours(1),
        // Nothing is overdue: what is measured is the order by signature.
        MaxWait = TimeSpan.FromDays(1),
        MaxBatchesPerSignature = 100_000,
    });

    private Task<int> ResetAsync(CancellationToken cancellationToken) => _database.ExecuteAsync("bench_reset", null, cancellationToken);

    private static CompletedJob Finish(ClaimedJob job) =>
        new(job.JobId, $"bench/{job.JobId}.png", 1, Digest, job.Recipe.WidthPixels, job.Recipe.HeightPixels, job.Recipe.Seed, "{}");

    // A few popular signatures and a long tail, as in a real backlog: the cube of a uniform draw.
    private static IEnumerable<JobRequest> Jobs(int count, int signatures, int seed = 1)
    {
#pragma warning disable CA5394 // A skewed sample, not a secret.
        var random = new Random(seed);
        for (var i = 0; i < count; i++)
        {
            var style = 1 + (int)(signatures * Math.Pow(random.NextDouble(), 3));
            yield return new JobRequest { Prompt = $"a photo of a cat, number {i}", Adapters = [new($"style{style}", 0.8m)] };
        }

#pragma warning restore CA5394
    }

    private static string Digest { get; } = new('0', 64);
}
