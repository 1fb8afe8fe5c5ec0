using System.Globalization;
using System.Runtime.CompilerServices;
using BatchGen.Queue.Inspection;
using BatchGen.Queue.Migrations;
using Microsoft.Extensions.Logging.Abstractions;

namespace BatchGen.Doctor;

/// <summary>Whether the database answers, takes writes and is of a version that serves.</summary>
internal sealed class DatabaseCheck() : DoctorCheck("database", needsDatabase: false)
{
    /// <inheritdoc/>
    public override async IAsyncEnumerable<Finding> RunAsync(
        Patient patient, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (patient.Settings is { FileIsReadable: false, ConnectionString: null })
        {
            yield return Wrong("Nobody knows which database to use.", Composition.Settings.File, "Mend the settings file.");
            yield break;
        }

        ServerFacts? facts = null;
        string? problem = null;
        try
        {
            await patient.OpenAsync(NullLogger.Instance, cancellationToken);
            facts = await new ServerInspector(patient.OpenDatabase).DescribeAsync(cancellationToken);
        }
#pragma warning disable CA1031 // Whatever keeps the database from answering is what this check is about.
        catch (Exception error) when (!cancellationToken.IsCancellationRequested)
#pragma warning restore CA1031
        {
            problem = error.Message.TrimEnd('.');
        }

        if (facts is null)
        {
            await patient.CloseAsync();
            yield return Wrong($"The database cannot be used: {problem}.", null, "Start the server, or mend ConnectionStrings__BatchGen.");
            yield break;
        }

        if (facts.Version < Migrator.OldestServer)
        {
            yield return Wrong($"The server is PostgreSQL {facts.VersionText}.", patient.Server,
                string.Create(CultureInfo.InvariantCulture, $"Upgrade it to version {Migrator.OldestServer / 10000} or newer."));
        }
        else yield return Ok($"PostgreSQL {facts.VersionText} answers.", patient.Server);
        if (facts.IsStandby || facts.IsReadOnly)
        {
            yield return Wrong("The server takes reads only.", patient.Server,
                "Connect to the primary server; with several hosts add 'Target Session Attributes=primary' to the connection string.");
        }

        if (facts.IsSuperuser)
            yield return Warning($"The program connects as '{facts.Login}', which is superuser.", patient.Server,
                "Make a login of its own that owns the database.");
    }
}
