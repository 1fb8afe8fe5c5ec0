using System.Collections.Concurrent;
using BatchGen.Core.Failures;
using BatchGen.Core.Submitting;
using BatchGen.Queue.Registry;
using BatchGen.Queue.Workers;
using BatchGen.Worker.Devices;
using BatchGen.Worker.Hosting;
using BatchGen.Worker.Monitoring;
using BatchGen.Worker.Leases;
using Microsoft.Extensions.Logging;

namespace BatchGen.Worker.Faults;

/// <summary>What this worker lacks on its machine: it claims nothing that needs it, says so, and looks again with growing delays.</summary>
/// <remarks>Thread safe: batches note what they miss while the next one is claimed. The database has the same list: claims leave out what
/// is on it, and people see it.</remarks>
internal sealed class LackBook(
    Guid workerId, DeviceSession device, StartImageFolder startImages, WorkerRegistry workers, ModelRegistry models, WorkerOptions options,
    WorkerHealth health, TimeProvider clock, ILogger log)
{
    // After so many looks in vain, a worker that ends when nothing is left to do does not wait for a file any longer.
    private const int LooksBeforeEnd = 3;

    // A model may be registered while every other one is lacking; nothing else tells the worker of it.
    private static readonly TimeSpan ModelsInterval = TimeSpan.FromSeconds(30);

    private readonly ConcurrentDictionary<(LackKind Kind, string Name), Entry> _entries = [];
    private readonly Lock _reporting = new();
    private long _modelsReported;

    /// <summary>True when the worker lacks something that may be back in a moment.</summary>
    public bool MayPassSoon => _entries.Values.Any(
        entry => entry.Lack.Kind is LackKind.Adapter or LackKind.Model && entry.Looks < LooksBeforeEnd);

    /// <summary>What is lacking, for people; empty when nothing is.</summary>
    public string Describe() => string.Join(", ", _entries.Keys.Select(key => $"{key.Kind.ToCode()} '{key.Name}'"));

    /// <summary>Writes down that the worker lacks something; nothing that needs it is claimed from now on.</summary>
    public async Task NoteAsync(MachineLack lack, string reason, CancellationToken cancellationToken)
    {
        var key = (lack.Kind, lack.Name);
        // A folder that is not mounted lacks thousands: one stands for all of them.
        if (lack.Kind == LackKind.StartImage && _entries.Keys.Any(known => known.Kind == lack.Kind && known.Name != lack.Name)) return;
        var noted = new Entry(lack, options.FileRetryInterval);
        var entry = _entries.GetOrAdd(key, noted);
        if (ReferenceEquals(entry, noted)) WorkerMetrics.AddLack(lack.Kind, 1);

        // Said once, and again when the reason is another one.
        if (entry.Reason != reason) log.LackFound(lack.Kind.ToCode(), lack.Name, reason);
        (entry.Lack, entry.Reason, entry.LookedAt) = (lack, reason, clock.GetTimestamp());
        await DatabaseRetry.RunAsync(log, health, token => workers.NoteLackAsync(workerId, lack, reason, token), cancellationToken);
        if (lack.Kind == LackKind.Model) await ReportModelsAsync(cancellationToken);
    }

    /// <summary>Looks again for what is lacking and due; what is there again may be claimed for.</summary>
    public async Task LookAgainAsync(CancellationToken cancellationToken)
    {
        if (_entries.IsEmpty) return;
        if (LacksModels && clock.GetElapsedTime(Volatile.Read(ref _modelsReported)) >= ModelsInterval)
            await ReportModelsAsync(cancellationToken);
        foreach (var entry in _entries.Values.Where(IsDue).ToArray())
        {
            if (await FindAsync(entry, cancellationToken) is { } found)
            {
                entry.Looks++;
                entry.Wait = entry.Wait * 2 < options.MaxFileRetryInterval ? entry.Wait * 2 : options.MaxFileRetryInterval;
                await NoteAsync(found.Lack, found.Reason, cancellationToken);
            }
            else
            {
                await DropAsync(entry.Lack, cancellationToken);
            }
        }
    }

    private Task<(MachineLack Lack, string Reason)?> FindAsync(Entry entry, CancellationToken cancellationToken) =>
        entry.Lack.Kind == LackKind.StartImage
            ? Task.FromResult<(MachineLack, string)?>(startImages.Has(entry.Lack.Name) ? null : (entry.Lack, entry.Reason!))
            : device.FindLackAsync(entry.Lack, cancellationToken);

    /// <summary>Writes down that start images can be read: the one that stands for all may be gone for good, or nobody asks for it any
    /// more.</summary>
    public async Task DropStartImagesAsync(CancellationToken cancellationToken)
    {
        foreach (var entry in _entries.Values.Where(entry => entry.Lack.Kind == LackKind.StartImage))
            await DropAsync(entry.Lack, cancellationToken);
    }

    /// <summary>Writes down that the worker has again what it lacked; harmless when it did not lack it.</summary>
    public async Task DropAsync(MachineLack lack, CancellationToken cancellationToken)
    {
        if (!_entries.ContainsKey((lack.Kind, lack.Name))) return;
        await DatabaseRetry.RunAsync(log, health, token => workers.DropLackAsync(workerId, lack, token), cancellationToken);
        if (!_entries.TryRemove((lack.Kind, lack.Name), out _)) return;
        WorkerMetrics.AddLack(lack.Kind, -1);
        log.LackEnded(lack.Kind.ToCode(), lack.Name);
        if (lack.Kind == LackKind.Model) await ReportModelsAsync(cancellationToken);
    }

    private bool LacksModels => _entries.Keys.Any(key => key.Kind == LackKind.Model);

    // A worker without any model that it may serve draws nothing, however much waits.
    private async Task ReportModelsAsync(CancellationToken cancellationToken)
    {
        IReadOnlyCollection<string> served = [.. options.Models];
        if (LacksModels && served.Count == 0)
        {
            var registered = await DatabaseRetry.RunAsync(log, health, models.ListAsync, cancellationToken);
            served = [.. registered.Select(model => model.Name)];
        }

        // What was lacking before the database answered may have been dropped meanwhile: whoever comes last says what is true now.
        lock (_reporting)
        {
            var lacked = _entries.Keys.Where(key => key.Kind == LackKind.Model).Select(key => key.Name)
                .ToHashSet(StringComparer.OrdinalIgnoreCase);
            health.Report(WorkerTrouble.Models, served.Count > 0 && served.All(lacked.Contains));
            Volatile.Write(ref _modelsReported, clock.GetTimestamp());
        }
    }

    // Whether images can be written is looked at before every claim, by whoever writes them.
    private bool IsDue(Entry entry) => entry.Lack.Kind != LackKind.Output && clock.GetElapsedTime(entry.LookedAt) >= entry.Wait;

    private sealed class Entry(MachineLack lack, TimeSpan wait)
    {
        public MachineLack Lack { get; set; } = lack;

        public string? Reason { get; set; }

        public long LookedAt { get; set; }

        public TimeSpan Wait { get; set; } = wait;

        public int Looks { get; set; }
    }
}
