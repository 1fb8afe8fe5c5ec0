using System.Runtime.CompilerServices;
using BatchGen.Core.Adapters;
using BatchGen.Queue.Inspection;

namespace BatchGen.Doctor;

/// <summary>What other workers drew with lately that this machine lacks.</summary>
internal sealed class OtherWorkersCheck() : DoctorCheck("other workers", needsDatabase: true)
{
    /// <inheritdoc/>
    public override async IAsyncEnumerable<Finding> RunAsync(
        CheckContext context, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var said = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (signature, worker) in await new ServerInspector(context.OpenDatabase).ListDrawnLatelyAsync(cancellationToken))
        {
            var parsed = AdapterSignature.Parse(signature);
            if (context.LackedModels.Contains(parsed.Model) && said.Add("model " + parsed.Model))
                yield return Lacks("Model", parsed.Model, worker);
            foreach (var adapter in parsed.Adapters.Where(adapter => context.LackedAdapters.Contains(adapter.Name)))
                if (said.Add("adapter " + adapter.Name)) yield return Lacks("Adapter", adapter.Name, worker);
        }

        if (said.Count == 0) yield return Ok("This machine lacks nothing that other workers drew with within a day.");
    }

    private Finding Lacks(string kind, string name, string worker) => Warning(
        $"{kind} '{name}' is not here as registered, and worker '{worker}' drew with it within a day.", null,
        "Copy the file from that worker's machine.");
}
