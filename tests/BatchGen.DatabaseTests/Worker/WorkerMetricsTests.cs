using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using BatchGen.Core.Failures;
using BatchGen.Testing;
using BatchGen.Worker.Hosting;
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
        // The fake renderer says that it fuses and checksums in a millisecond.
        Assert.Equal(0.001, Assert.Single(measurements.Of("batchgen.fuse.duration")).Value);
        Assert.All(
            measurements.Of("batchgen.checkpoint.duration"), check => Assert.Equal((0.001, "verdict=passed"), (check.Value, check.Tag)));
        Assert.NotEmpty(measurements.Of("batchgen.checkpoint.duration"));
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
    }

    [Fact]
    public void Every_instrument_is_listed_with_its_unit_on_the_operations_page()
    {
        using var measurements = new Measurements();
        WorkerMetrics.BatchDone(1, 1, 1);
        var page = File.ReadAllText(Path.Combine(RepositoryPaths.Root, "docs", "operations.md"));
        Assert.Equal(6, measurements.Instruments.Count);
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
