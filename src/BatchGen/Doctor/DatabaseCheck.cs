using System.Globalization;
using System.Runtime.CompilerServices;
using BatchGen.Composition;
using BatchGen.Queue;
using BatchGen.Queue.Embedded;
using BatchGen.Queue.Inspection;
using BatchGen.Queue.Migrations;

namespace BatchGen.Doctor;

/// <summary>Whether the database answers, takes writes and is of a version that serves.</summary>
internal sealed class DatabaseCheck() : DoctorCheck("database", needsDatabase: false)
{
    /// <inheritdoc/>
    public override async IAsyncEnumerable<Finding> RunAsync(
        CheckContext context, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (context.Settings is { FileIsReadable: false, ConnectionString: null })
        {
            yield return Wrong("Nobody knows which database to use.", Settings.File, "Mend the settings file.");
            yield break;
        }

        var (connectionString, unavailable) = await FindAsync(context, cancellationToken);
        if (connectionString is null)
        {
            yield return unavailable!;
            yield break;
        }

        ServerFacts? facts = null;
        string? problem = null;
        try
        {
            context.Open(connectionString);
            facts = await new ServerInspector(context.OpenDatabase).DescribeAsync(cancellationToken);
        }
#pragma warning disable CA1031 // Whatever keeps the database from answering is what this check is about.
        catch (Exception error) when (!cancellationToken.IsCancellationRequested)
#pragma warning restore CA1031
        {
            problem = error.Message.TrimEnd('.');
        }

        if (facts is null)
        {
            await context.CloseAsync();
            yield return Wrong($"The database cannot be used: {problem}.", null, "Start the server, or mend ConnectionStrings__BatchGen.");
            yield break;
        }

        if (facts.Version < Migrator.OldestServer)
        {
            yield return Wrong($"The server is PostgreSQL {facts.VersionText}.", context.Server,
                string.Create(CultureInfo.InvariantCulture, $"Upgrade it to version {Migrator.OldestServer / 10000} or newer."));
        }
        else yield return Ok($"PostgreSQL {facts.VersionText} answers.", context.Server);
        if (facts.IsStandby || facts.IsReadOnly)
        {
            yield return Wrong("The server takes reads only.", context.Server,
                "Connect to the primary server; with several hosts add 'Target Session Attributes=primary' to the connection string.");
        }

        if (facts.IsSuperuser)
            yield return Warning($"The program connects as '{facts.Login}', which is superuser.", context.Server,
                "Make a login of its own that owns the database.");
    }

    // A private server is looked at as it stands: making or starting one would change the machine.
    private async Task<(string? ConnectionString, Finding? Unavailable)> FindAsync(
        CheckContext context, CancellationToken cancellationToken)
    {
        if (context.Settings.ConnectionString is { } configured) return (configured, null);
        var folder = DatabaseAddress.PrivateFolderOf(context.Settings);
        try
        {
            var server = await PrivateServer.LookAsync(folder, cancellationToken);
            if (server.ConnectionString is { } address) return (address, null);
            return (null, server.IsThere
                ? Warning("The private database does not run: no program uses it now.", folder,
                    "Run 'batchgen up', which starts it, and this command meanwhile.")
                : Warning("There is no private database yet, and no server is named.", folder,
                    "Run 'batchgen up', which makes and starts one, or name a server in ConnectionStrings__BatchGen."));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or QueueException)
        {
            return (null, Wrong($"The private database cannot be looked at: {error.Message.TrimEnd('.')}.", folder,
                "Run this command as the user that runs the workers."));
        }
    }
}
