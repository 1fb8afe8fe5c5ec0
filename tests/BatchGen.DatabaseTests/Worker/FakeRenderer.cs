using BatchGen.Core.Adapters;
using BatchGen.Core.Failures;
using BatchGen.Core.Jobs;
using BatchGen.Core.Registry;
using BatchGen.Core.Rendering;

namespace BatchGen.DatabaseTests.Worker;

/// <summary>A renderer without torch: renders grey images, and a test decides what fails or waits.</summary>
internal sealed class FakeRenderer : IBatchRenderer
{
    private const string Good = "00000000000000000000000000000001";
    private const string Bad = "00000000000000000000000000000002";

    /// <summary>Called before a group of jobs is rendered; may throw or block.</summary>
    public Action<IReadOnlyList<ClaimedJob>, CancellationToken> OnRender { get; set; } = static (_, _) => { };

    /// <summary>Changes the pixels of a job after it was drawn.</summary>
    public Func<ClaimedJob, byte[], byte[]> OnPixels { get; set; } = static (_, pixels) => pixels;

    /// <summary>Called before adapters are fused; may throw.</summary>
    public Action<AdapterSignature> OnFuse { get; set; } = static _ => { };

    /// <summary>Called when files of an adapter are looked at again; may throw.</summary>
    public Action<AdapterRecord> OnCheck { get; set; } = static _ => { };

    /// <summary>Called before a model is loaded, and when its files are looked at again; may throw.</summary>
    public Action<ModelRecord> OnLoad { get; set; } = static _ => { };

    /// <summary>Called before adapters are read ahead; may throw.</summary>
    public Action<AdapterSignature> OnPrefetch { get; set; } = static _ => { };

    /// <summary>Called before the base is checksummed; may throw.</summary>
    public Action OnVerify { get; set; } = static () => { };

    /// <summary>Called before tensors are read from the master again; may throw, or mend what is wrong.</summary>
    public Action OnReload { get; set; } = static () => { };

    /// <summary>Names of damaged tensors; a reload removes them unless <see cref="ReloadFails"/>.</summary>
    public List<string> Damaged { get; } = [];

    /// <summary>Tensors stay damaged after a reload.</summary>
    public bool ReloadFails { get; set; }

    /// <summary>Everything asked of the renderer, in order.</summary>
    public List<string> Calls { get; } = [];

    public DeviceInfo Device { get; } = new("fake", "a fake device", "float32");

    public string? LoadedModel { get; private set; }

    public bool WritesBaseWhileFused { get; init; }

    public ModelLoadReport LoadModel(ModelRecord model, CancellationToken cancellationToken)
    {
        Note($"load {model.Name}");
        OnLoad(model);
        LoadedModel = model.Name;
        return new ModelLoadReport(3, 300, Good, 1);
    }

    public FuseReport Fuse(AdapterSignature signature, IReadOnlyList<AdapterRecord> adapters, CancellationToken cancellationToken)
    {
        OnFuse(signature);
        Note($"fuse {signature}");
        return new FuseReport(adapters.Count, 2, 200, [], 1);
    }

    public void Prefetch(AdapterSignature signature, IReadOnlyList<AdapterRecord> adapters, CancellationToken cancellationToken)
    {
        Note($"prefetch {signature}");
        OnPrefetch(signature);
    }

    public void CheckFiles(ModelRecord model, CancellationToken cancellationToken) => OnLoad(model);

    public void CheckFiles(AdapterRecord adapter, CancellationToken cancellationToken) => OnCheck(adapter);

    public IReadOnlyList<RenderedImage> Render(
        IReadOnlyList<ClaimedJob> jobs, IProgress<StepProgress> progress, CancellationToken cancellationToken)
    {
        Note($"render {jobs.Count}");
        OnRender(jobs, cancellationToken);
        cancellationToken.ThrowIfCancellationRequested();
        progress.Report(new StepProgress(1, 1));
        return [.. jobs.Select(job => new RenderedImage(job.JobId, job.Recipe.WidthPixels, job.Recipe.HeightPixels, Grey(job)))];
    }

    public AdapterCacheUse AdapterCache => new(3, 1, 4096);

    public void Unload() => Note("unload");

    public WeightCheck VerifyWeights(CancellationToken cancellationToken)
    {
        Note("verify");
        OnVerify();
        return new WeightCheck(Damaged.Count == 0, Good, Damaged.Count == 0 ? Good : Bad, 3, 300, [.. Damaged], 1);
    }

    public ReloadReport ReloadFromMaster(IReadOnlyList<string> tensorNames, CancellationToken cancellationToken)
    {
        Note($"reload {string.Join(',', tensorNames)}");
        OnReload();
        if (!ReloadFails) Damaged.Clear();
        return new ReloadReport(tensorNames.Count, 100, 1);
    }

    public void Dispose() => Note("dispose");

    /// <summary>Added to every pixel, as by a device that computes wrongly.</summary>
    public byte Fault { get; set; }

    private byte[] Grey(ClaimedJob job)
    {
        var pixels = new byte[job.Recipe.WidthPixels * job.Recipe.HeightPixels * 3];
        Array.Fill(pixels, (byte)(job.Recipe.Seed + Fault));
        return OnPixels(job, pixels);
    }

    /// <summary>How often something was asked of the renderer so far.</summary>
    public int CountCalls(string call)
    {
        lock (Calls) return Calls.Count(made => made == call);
    }

    private void Note(string call)
    {
        lock (Calls) Calls.Add(call);
    }
}
