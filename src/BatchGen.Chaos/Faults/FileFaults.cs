using BatchGen.Chaos.Processes;

namespace BatchGen.Chaos.Faults;

/// <summary>What happens to files: a full or read-only disk, adapters and models damaged, changed, removed.</summary>
internal sealed class FileFaults(Stage stage)
{
    /// <summary>The faults of files that this machine can do.</summary>
    public IReadOnlyList<FaultKind> Kinds
    {
        get
        {
            List<FaultKind> kinds =
            [
                new("adapter truncated", 3, 0.2, 0.6, FaultTarget.Everything, (fault, _) => DamageAsync(fault, Truncate)),
                new("adapter changed", 3, 0.2, 0.6, FaultTarget.Everything, (fault, _) => DamageAsync(fault, Change)),
                new("adapter removed", 3, 0.2, 0.6, FaultTarget.Everything, (fault, _) => DamageAsync(fault, File.Delete)),
                new("adapter touched", 2, 0, 0, FaultTarget.Everything, (fault, _) => TouchAsync(fault)),
                new("model changed while a worker starts", 2, 0.3, 0.5, FaultTarget.MortalWorker, (fault, _) =>
                    DamageModelAsync(fault, Change)),
                new("model truncated while a worker starts", 2, 0.3, 0.5, FaultTarget.MortalWorker, (fault, _) =>
                    DamageModelAsync(fault, Truncate)),
                new("model removed while a worker starts", 2, 0.3, 0.5, FaultTarget.MortalWorker, (fault, _) =>
                    DamageModelAsync(fault, File.Delete)),
            ];
            if (stage.Images.IsMounted)
                kinds.Add(new("disk full", 5, 0.4, 1.1, FaultTarget.Everything, (fault, _) => stage.Images.FillAsync(fault.Time)));
            if (stage.Images.CanBeReadOnly)
            {
                kinds.Add(new("image folder read-only", 5, 0.4, 1.1, FaultTarget.Everything, (fault, _) =>
                    stage.Images.ForbidWritingAsync(fault.Time)));
            }

            return kinds;
        }
    }

    private Task<string> DamageAsync(Fault fault, Action<string> damage) =>
        stage.Models.DamageAsync(stage.AdapterOf(fault), damage, static () => Task.CompletedTask, fault.Time);

    private static void Truncate(string file)
    {
        using var opened = new FileStream(file, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        opened.SetLength(opened.Length / 2);
    }

    private static void Change(string file)
    {
        using var opened = new FileStream(file, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        opened.Position = opened.Length - 100;
        var one = opened.ReadByte();
        opened.Position--;
        opened.WriteByte((byte)(one ^ 1));
    }

    private Task<string> TouchAsync(Fault fault)
    {
        File.SetLastWriteTimeUtc(stage.AdapterOf(fault), stage.Clock.GetUtcNow().UtcDateTime);
        return Task.FromResult(Path.GetFileName(stage.AdapterOf(fault)));
    }

    // Only who loads the model meets it: the worker is killed and comes back meanwhile.
    private Task<string> DamageModelAsync(Fault fault, Action<string> damage) => stage.Models.DamageAsync(
        stage.Models.UNet, damage, () => stage.Workers[fault.Worker].EndAsync(Signals.Kill, Stage.EndLimit, TimeSpan.Zero), fault.Time);
}
