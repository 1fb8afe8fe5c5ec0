using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using BatchGen.Composition;
using BatchGen.Core.Failures;
using BatchGen.Core.Registry;
using BatchGen.Diffusion.Adapters;
using BatchGen.Queue.Registry;

namespace BatchGen.Doctor;

/// <summary>Whether this machine has the files of the registered adapters.</summary>
internal sealed class AdaptersCheck() : DoctorCheck("adapters", needsDatabase: true)
{
    private static readonly TimeSpan ProgressInterval = TimeSpan.FromSeconds(2);

    /// <inheritdoc/>
    public override async IAsyncEnumerable<Finding> RunAsync(
        CheckContext context, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var adapters = await new AdapterRegistry(context.OpenDatabase).ListAsync(cancellationToken);
        var same = 0;
        var saidAt = Stopwatch.GetTimestamp();
        foreach (var adapter in adapters)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (!context.Quick && Stopwatch.GetElapsedTime(saidAt) > ProgressInterval)
            {
                saidAt = Stopwatch.GetTimestamp();
                await context.Program.Error.WriteLineAsync(
                    string.Create(CultureInfo.InvariantCulture, $"Reading adapters: {same} of {adapters.Count}"));
            }

            if (Difference(adapter, context.Quick) is not { } difference)
            {
                same++;
                continue;
            }

            context.LackedAdapters.Add(adapter.Name);
            const string Remedy = "Put the registered file there, or register the adapter again with 'batchgen adapters add --replace'.";
            var what = $"Adapter '{adapter.Name}': {difference}.";
            yield return RenderSupport.TorchBackend == "none" ? Warning(what, adapter.Path, Remedy) : Wrong(what, adapter.Path, Remedy);
        }

        if (same == 0) yield break;
        var how = context.Quick ? ", by size" : "";
        yield return Ok(string.Create(CultureInfo.InvariantCulture, $"{same} adapters are as registered{how}."));
    }

    // What identifies an adapter is for the reader of adapters to say: of a PEFT folder it is more than the weights.
    private static string? Difference(AdapterRecord adapter, bool quick)
    {
        try
        {
            var size = AdapterInspector.SizeOf(adapter.Path);
            if (size != adapter.SizeBytes)
                return string.Create(CultureInfo.InvariantCulture, $"its weights have {size} bytes, the registry says {adapter.SizeBytes}");
            if (quick) return null;
            var found = AdapterInspector.Inspect(adapter.Path).Sha256;
            return found == adapter.Sha256 ? null : $"its SHA-256 is {found}, the registry says {adapter.Sha256}";
        }
        catch (Exception error) when (error is BatchGenException or IOException or UnauthorizedAccessException)
        {
            return "it cannot be read: " + error.Message.TrimEnd('.');
        }
    }
}
