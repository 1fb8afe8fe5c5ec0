using System.Globalization;
using System.Runtime.CompilerServices;
using BatchGen.Queue.Inspection;

namespace BatchGen.Doctor;

/// <summary>Whether this machine's clock agrees with that of the database.</summary>
internal sealed class ClockCheck() : DoctorCheck("clock", needsDatabase: true)
{
    // Leases go by the database's clock alone; logs and pages of this machine show its own. A minute is as long as a lease lasts.
    private static readonly TimeSpan Tolerance = TimeSpan.FromSeconds(2), Limit = TimeSpan.FromMinutes(1);

    /// <inheritdoc/>
    public override async IAsyncEnumerable<Finding> RunAsync(
        CheckContext context, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var inspector = new ServerInspector(context.OpenDatabase);
        var (offset, uncertainty) = await inspector.CompareClocksAsync(context.Program.Clock, cancellationToken);
        var beyond = offset.Duration() - uncertainty;
        var direction = offset < TimeSpan.Zero ? "behind" : "ahead of";
        var what = string.Create(
            CultureInfo.InvariantCulture, $"This machine's clock is {offset.Duration().TotalSeconds:0.0} s {direction} the database's.");
        const string Remedy = "Let both machines set their clocks by NTP (timedatectl set-ntp true).";
        yield return beyond > Limit ? Wrong(what, context.Server, Remedy)
            : beyond > Tolerance ? Warning(what, context.Server, Remedy)
            : Ok("This machine's clock agrees with the database's.", context.Server);
    }
}
