using System.Globalization;
using System.Runtime.CompilerServices;
using BatchGen.Queue.Reports;

namespace BatchGen.Doctor;

/// <summary>Whether the queue stands still although jobs could run.</summary>
internal sealed class QueueCheck() : DoctorCheck("queue", needsDatabase: true)
{
    /// <inheritdoc/>
    public override async IAsyncEnumerable<Finding> RunAsync(
        CheckContext context, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var standstills = await new StandstillFinder(context.OpenDatabase).FindAsync(cancellationToken);
        foreach (var found in standstills)
            yield return Wrong(string.Create(CultureInfo.InvariantCulture, $"{found.What} Since {found.Since:u}."), null, found.Remedy);
        if (standstills.Count == 0) yield return Ok("The queue does not stand still.");
    }
}
