using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using BatchGen.Core.Failures;
using BatchGen.Core.Monitoring;
using BatchGen.Core.Rendering;
using BatchGen.Dashboard.Monitoring;
using BatchGen.Testing;
using BatchGen.Worker.Monitoring;
using Xunit;

namespace BatchGen.DatabaseTests.Worker;

/// <summary>The instruments of a worker while it renders; docs/operations.md lists them.</summary>
public sealed class WorkerMetricsTests
{
    [Fact]
    public async Task A_worker_measures_batches_jobs_fusions_and_checkpoints()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddModelAsync(native: 64);
        await database.AddAdaptersAsync("ink", "bad");
        await database.SubmitAsync("ink", "ink", "bad");
        using var measurements = new Measurements();
        var renderer = new FakeRenderer
        {
            OnFuse = signature =>
            {
                if (signature.ToString().Contains("bad", StringComparison.Ordinal)) throw new AdapterException("truncated");
            },
        };
        await WorkerHost.RunAsync(database, renderer);

        Assert.Equal(2, measurements.Of("batchgen.batch.duration").Length);
        Assert.All(measurements.Of("batchgen.batch.duration"), batch => Assert.InRange(batch.Value, 0, 60));
        Assert.Equal(2, measurements.Of("batchgen.jobs.ended").Where(jobs => jobs.Tag == "outcome=succeeded").Sum(jobs => jobs.Value));
        Assert.Equal(1, measurements.Of("batchgen.jobs.ended").Where(jobs => jobs.Tag == "outcome=failed").Sum(jobs => jobs.Value));
        Assert.Equal(1, measurements.Of("batchgen.attempts.failed").Where(jobs => jobs.Tag == "code=adapter").Sum(jobs => jobs.Value));
        Assert.Equal(0, measurements.Of("batchgen.attempts.failed").Where(jobs => jobs.Tag != "code=adapter").Sum(jobs => jobs.Value));
        Assert.Contains(measurements.Of("batchgen.claim.duration"), claim => claim.Tag == "result=batch");
        Assert.Contains(measurements.Of("batchgen.claim.duration"), claim => claim.Tag == "result=nothing");
        Assert.Equal(0.001, Assert.Single(measurements.Of("batchgen.load.duration")).Value);
        // The fake renderer says that it fuses and checksums in a millisecond.
        Assert.Equal(0.001, Assert.Single(measurements.Of("batchgen.fuse.duration")).Value);
        Assert.All(
            measurements.Of("batchgen.checkpoint.duration"), check => Assert.Equal((0.001, "verdict=passed"), (check.Value, check.Tag)));
        Assert.NotEmpty(measurements.Of("batchgen.checkpoint.duration"));
    }

    [Fact]
    public async Task A_job_that_fails_three_times_ends_once_and_one_that_is_requeued_has_neither_failed_nor_ended()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddModelAsync(native: 64);
        await database.AddAdaptersAsync("stuck");
        database.Queue.Options.RetryDelay = TimeSpan.FromMilliseconds(1);
        var poison = (await database.SubmitAsync("", "", "stuck"))[0];
        using var measurements = new Measurements();
        var fused = 0;
        var renderer = new FakeRenderer
        {
            OnFuse = _ =>
            {
                if (fused++ == 0) throw new GenerationException("no memory for the overlay");
            },
            OnRender = (jobs, _) =>
            {
                if (jobs.Any(job => job.JobId == poison)) throw new GenerationException("not a number");
            },
        };
        await using var worker = await WorkerHost.StartAsync(database, renderer, options => options.ExitWhenIdle = false);
        await WorkerHost.UntilAsync(
            "every job has ended", () => database.SqlAsync<long>("select count(*) from jobs where finished_at is not null"),
            ended => ended == 3);
        await worker.StopAsync();

        Assert.Equal(1L, await database.SqlAsync<long>("select count(*) from job_attempts where code = 'requeued'"));
        var ended = measurements.Of("batchgen.jobs.ended");
        Assert.Equal(1, ended.Where(jobs => jobs.Tag == "outcome=failed").Sum(jobs => jobs.Value));
        Assert.Equal(2, ended.Where(jobs => jobs.Tag == "outcome=succeeded").Sum(jobs => jobs.Value));
        var failed = measurements.Of("batchgen.attempts.failed");
        Assert.Equal(3, failed.Where(attempts => attempts.Tag == "code=generation").Sum(attempts => attempts.Value));
        Assert.Equal(3, failed.Sum(attempts => attempts.Value));
        Assert.DoesNotContain(failed, attempts => attempts.Tag == "code=requeued");
    }

    [Fact]
    public async Task A_drifted_checkpoint_is_measured_with_its_verdict()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddModelAsync(native: 64);
        await database.SubmitAsync("");
        using var measurements = new Measurements();
        var renderer = new FakeRenderer();
        renderer.OnRender = (_, _) =>
        {
            if (renderer.CountCalls("verify") == 0) renderer.Damaged.Add("unet/conv_in.weight");
        };
        await WorkerHost.RunAsync(database, renderer);
        Assert.Equal(
            ["verdict=drifted", "verdict=restored", "verdict=passed"],
            measurements.Of("batchgen.checkpoint.duration").Select(check => check.Tag));
        Assert.Equal(1, measurements.Of("batchgen.drift").Sum(drift => drift.Value));
    }

    [Fact]
    public async Task A_lost_lease_is_counted_once_however_many_calls_find_out()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddModelAsync(native: 64);
        await database.SubmitAsync("");
        using var measurements = new Measurements();
        var taken = false;
        var renderer = new FakeRenderer
        {
            OnRender = (_, _) =>
            {
                // Another worker takes the first batch away before it can be recorded.
                if (!taken) WorkerHost.Sql(database, "update batches set epoch = epoch + 1");
                taken = true;
            },
        };
        await using var worker = await WorkerHost.StartAsync(database, renderer, options => options.ExitWhenIdle = false);
        await WorkerHost.UntilAsync(
            "the lost lease was counted", () => measurements.Of("batchgen.leases.lost").Sum(lost => lost.Value) > 0);
        await worker.StopAsync();
        Assert.Equal(1, measurements.Of("batchgen.leases.lost").Sum(lost => lost.Value));
    }

    [Fact]
    public async Task Every_batch_is_one_trace_from_its_claim_to_its_checkpoint_with_the_drivers_spans_inside()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddModelAsync(native: 64);
        await database.AddAdaptersAsync("ink", "neon");
        await database.SubmitAsync("ink", "neon");
        var spans = new ConcurrentQueue<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name is Telemetry.Name or "Npgsql",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = spans.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
        await WorkerHost.RunAsync(database, new FakeRenderer());

        // Other tests run at the same time.
        var worker = (await database.SqlAsync<Guid>("select id from workers")).ToString();
        var batches = spans.Where(
            span => span.OperationName == SpanNames.Batch && worker.Equals(span.GetTagItem("batchgen.worker.id"))).ToArray();
        Assert.Equal(2, batches.Length);
        Assert.Equal(2, batches.Select(batch => batch.TraceId).Distinct().Count());
        foreach (var batch in batches)
        {
            var trace = spans.Where(span => span.TraceId == batch.TraceId).ToArray();
            var claim = Assert.Single(trace, span => span.OperationName == SpanNames.Claim);
            Assert.Equal(batch.ParentSpanId, claim.SpanId);
            Assert.Equal(batch.GetTagItem("batchgen.batch.id"), claim.GetTagItem("batchgen.batch.id"));
            foreach (var name in (string[])[SpanNames.Fuse, SpanNames.Save, SpanNames.Unload, SpanNames.Verify])
                Assert.Contains(trace, span => span.OperationName == name);
            Assert.Contains(trace, span => span.Source.Name == "Npgsql" && span.ParentSpanId == claim.SpanId);
            Assert.Contains(trace, span => span.Source.Name == "Npgsql"
                && trace.Any(save => save.OperationName == SpanNames.Save && save.SpanId == span.ParentSpanId));
        }

        Assert.Contains(spans, span => span.OperationName == SpanNames.Load && batches.Any(batch => batch.TraceId == span.TraceId));
    }

    [Fact]
    public void Every_instrument_is_listed_with_its_unit_on_the_operations_page()
    {
        using var measurements = new Measurements();
        WorkerMetrics.Begin();
        using var gauges = new WorkerGauges("cpu", () => new AdapterCacheUse(1, 2, 3), "images");
        using var queue = Telemetry.Readings();
        QueueGauges.Add(queue, () => null);
        var page = File.ReadAllText(Path.Combine(RepositoryPaths.Root, "docs", "operations.md"));
        Assert.Contains(measurements.Instruments, instrument => instrument.Name == "batchgen.leases.lost");
        Assert.All(measurements.Instruments, instrument =>
            Assert.Contains($"| `{instrument.Name}` | {instrument.Unit} |", page, StringComparison.Ordinal));
    }

    /// <summary>What is measured by the test that made this and by what it starts; other tests run at the same time.</summary>
    private sealed class Measurements : IDisposable
    {
        private readonly MeterListener _listener = new();
        private readonly AsyncLocal<bool> _ofThisTest = new() { Value = true };
        private readonly ConcurrentQueue<(string Name, double Value, string Tag)> _values = new();

        public Measurements()
        {
            _listener.InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter.Name != "BatchGen") return;
                Instruments.Add(instrument);
                listener.EnableMeasurementEvents(instrument);
            };
            _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Add(instrument, value, tags));
            _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Add(instrument, value, tags));
            _listener.Start();
        }

        /// <summary>The instruments of the program.</summary>
        public ConcurrentBag<Instrument> Instruments { get; } = [];

        /// <summary>What an instrument measured, in order; a tag as name=value.</summary>
        public (string Name, double Value, string Tag)[] Of(string instrument) => [.. _values.Where(value => value.Name == instrument)];

        public void Dispose() => _listener.Dispose();

        private void Add(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            if (_ofThisTest.Value) _values.Enqueue((instrument.Name, value, tags.Length == 0 ? "" : $"{tags[0].Key}={tags[0].Value}"));
        }
    }
}
