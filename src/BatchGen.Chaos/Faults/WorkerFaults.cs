using System.Globalization;
using System.Text.Json;
using BatchGen.Chaos.Files;
using BatchGen.Chaos.Processes;
using BatchGen.Core.Files;

namespace BatchGen.Chaos.Faults;

/// <summary>What happens to worker processes: killed, stopped, suspended, started twice, with bad memory.</summary>
internal sealed class WorkerFaults(Stage stage)
{
    // A bit of the exponent of a float32: the weight becomes very large or very small.
    private const byte ExponentBit = 0x10;
    private const int ExponentByte = 3;

    private static readonly TimeSpan Watch = TimeSpan.FromMilliseconds(2);

    /// <summary>The faults of workers.</summary>
    public IReadOnlyList<FaultKind> Kinds =>
    [
        new("worker killed", 14, 0.05, 0.4, FaultTarget.MortalWorker, (fault, _) => EndAsync(fault, Signals.Kill)),
        new("worker killed while it writes", 4, 0.05, 0.3, FaultTarget.MortalWorker, (fault, token) =>
            WhileWritingAsync(fault, () => EndAsync(fault, Signals.Kill), token)),
        new("worker asked to stop", 8, 0.05, 0.3, FaultTarget.MortalWorker, (fault, _) => EndAsync(fault, Signals.Terminate)),
        new("worker interrupted", 2, 0.05, 0.3, FaultTarget.MortalWorker, (fault, _) => EndAsync(fault, Signals.Interrupt)),
        new("worker suspended", 5, 0.2, 0.7, FaultTarget.AnyWorker, (fault, _) => Slot(fault).SuspendAsync(fault.Time)),
        new("worker suspended past its lease", 9, 1.1, 1.8, FaultTarget.AnyWorker, (fault, _) => Slot(fault).SuspendAsync(fault.Time)),
        new("worker suspended while it writes", 4, 1.1, 1.6, FaultTarget.AnyWorker, (fault, token) =>
            WhileWritingAsync(fault, () => Slot(fault).SuspendAsync(fault.Time), token)),
        new("second worker of the same name", 3, 0.8, 1.4, FaultTarget.Everything, TwinAsync),
        new("bit of a weight flipped", 5, 0, 0, FaultTarget.AnyWorker, (fault, token) =>
            FlipAsync(fault, stage.Models.UNet, token)),
        new("bit of an adapter flipped", 3, 0, 0, FaultTarget.AnyWorker, (fault, token) =>
            FlipAsync(fault, stage.AdapterOf(fault), token)),
    ];

    private WorkerSlot Slot(Fault fault) => stage.Workers[fault.Worker];

    private Task<string> EndAsync(Fault fault, int signal) => Slot(fault).EndAsync(signal, Stage.EndLimit, fault.Time);

    // Looks for an unfinished file among the open ones of the process, for at most a lease, and strikes in any case.
    private async Task<string> WhileWritingAsync(Fault fault, Func<Task<string>> strike, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(stage.Options.Lease);
        while (!limit.IsCancellationRequested)
        {
            if (Slot(fault).ProcessId is { } process && OpenFiles(process).Any(IsUnfinished))
                return await strike() + ", while writing";
            await Task.Delay(Watch, stage.Clock, limit.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        return await strike() + ", writing nothing";
    }

    private static bool IsUnfinished(string file) => file.EndsWith(TemporaryNames.UnfinishedExtension, StringComparison.Ordinal);

    private static IEnumerable<string> OpenFiles(int process)
    {
        try
        {
            return [.. Directory.EnumerateFileSystemEntries($"/proc/{process}/fd").Select(link => new FileInfo(link).LinkTarget ?? "")];
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    private async Task<string> TwinAsync(Fault fault, CancellationToken cancellationToken)
    {
        using var over = new CancellationTokenSource();
        var twin = stage.NewWorker(stage.Workers[0].Name, $"twin-{fault.Number}");
        var keeping = twin.KeepAsync(Stage.EndLimit, over.Token);
        await Task.Delay(fault.Time, stage.Clock, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await over.CancelAsync();
        await keeping;
        stage.NoteExits(twin.Exits);
        return "ok";
    }

    private async Task<string> FlipAsync(Fault fault, string file, CancellationToken cancellationToken)
    {
        // Noted first, or an image may be judged by a bit that nobody knows of yet.
        var noted = await stage.Servers.CallAsync("note_flipped_bit", cancellationToken, Slot(fault).Name);
        return noted == Slot(fault).Name ? await Task.Run(() => Flip(fault, file), cancellationToken) : noted;
    }

    private string Flip(Fault fault, string file)
    {
        if (Slot(fault).ProcessId is not { } process) return FaultKind.NotDone + "the worker was down";
        try
        {
            var places = ModelFiles.PatternsOf(file, fault.Salt).SelectMany(pattern => ProcessMemory.Find(process, pattern)).ToArray();
            if (places.Length == 0) return $"{FaultKind.NotDone}{Path.GetFileName(file)} was not in memory";
            var place = places[fault.Salt % places.Length];
            ProcessMemory.Flip(process, place + ExponentByte, ExponentBit);
            return string.Create(CultureInfo.InvariantCulture, $"{Path.GetFileName(file)}, one of {places.Length} places");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException or JsonException)
        {
            return $"{FaultKind.NotDone}its memory could not be reached: {error.Message}";
        }
    }
}
