using System.Runtime.CompilerServices;

namespace BatchGen.Doctor;

/// <summary>Runs every check, one after the other, and never stops at what one of them finds or throws.</summary>
internal static class DoctorRun
{
    /// <summary>The checks in the order in which they run: later ones use what earlier ones found.</summary>
    public static IReadOnlyList<DoctorCheck> Checks { get; } =
    [
        new SettingsCheck(), new DatabaseCheck(), new ServerSettingsCheck(), new MigrationsCheck(), new RolesCheck(), new ClockCheck(),
        new DiskCheck(), new ImageFolderCheck(), new RecordedImagesCheck(), new TorchCheck(), new ModelsCheck(), new AdaptersCheck(),
        new OtherWorkersCheck(), new QueueCheck(),
    ];

    /// <summary>The findings of checks, as they are found.</summary>
    public static async IAsyncEnumerable<Finding> RunAsync(
        IReadOnlyList<DoctorCheck> checks, CheckContext context, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var leftOut = new List<string>();
        foreach (var check in checks)
        {
            if (check.NeedsDatabase && context.Database is null)
            {
                leftOut.Add(check.Name);
                continue;
            }

            await using var findings = check.RunAsync(context, cancellationToken).GetAsyncEnumerator(cancellationToken);
            while (await NextAsync(check, findings, cancellationToken) is { } finding)
            {
                yield return finding.Value;
                if (finding.IsLast) break;
            }
        }

        if (leftOut.Count > 0)
        {
            yield return new Finding(
                "database", FindingState.Warning, $"Not looked at without a database: {string.Join(", ", leftOut)}.", null,
                "Mend the database, then run this command again.");
        }
    }

    private static async Task<Found?> NextAsync(
        DoctorCheck check, IAsyncEnumerator<Finding> findings, CancellationToken cancellationToken)
    {
        try
        {
            return await findings.MoveNextAsync() ? new Found(findings.Current, IsLast: false) : null;
        }
#pragma warning disable CA1031 // What a check cannot do is a finding like any other, and the others still run.
        catch (Exception error) when (!cancellationToken.IsCancellationRequested)
#pragma warning restore CA1031
        {
            var finding = new Finding(
                check.Name, FindingState.Wrong, $"This check could not be made ({error.GetType().Name}): {error.Message.TrimEnd('.')}.",
                null, "Mend what the message names.");
            return new Found(finding, IsLast: true);
        }
    }

    private sealed record Found(Finding Value, bool IsLast);
}
