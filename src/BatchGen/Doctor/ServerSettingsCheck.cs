using System.Globalization;
using System.Runtime.CompilerServices;
using BatchGen.Queue.Inspection;

namespace BatchGen.Doctor;

/// <summary>Whether the server's settings suit a queue.</summary>
internal sealed class ServerSettingsCheck() : DoctorCheck("server", needsDatabase: true)
{
    // What a worker has open at a time: one connection listens, one sends heartbeats, the others call; and what dashboards and commands
    // need beside the workers.
    private const int ConnectionsPerWorker = 5, ConnectionsBeside = 30;

    // Above this the server itself warns too. Where it is full, every commit that notifies fails.
    private const double FullestNotificationQueue = 0.5;

    // Upkeep rebuilds indexes of millions of rows.
    private static readonly TimeSpan LeastStatementLimit = TimeSpan.FromMinutes(10);

    /// <inheritdoc/>
    public override async IAsyncEnumerable<Finding> RunAsync(
        CheckContext context, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var inspector = new ServerInspector(context.OpenDatabase);
        var facts = await inspector.DescribeAsync(cancellationToken);
        var found = 0;
        foreach (var (isBad, state, what, remedy) in Rules(facts))
        {
            if (!isBad) continue;
            found++;
            yield return new Finding(Name, state, what, context.Server, remedy);
        }

        if (found == 0)
        {
            yield return Ok(string.Create(CultureInfo.InvariantCulture,
                $"The settings suit a queue: {facts.Encoding}, time zone {facts.TimeZone}, synchronous_commit {facts.SynchronousCommit}."),
                context.Server);
        }

        var workers = await inspector.CountLivingWorkersAsync(cancellationToken);
        var (allowed, needed) =
            (facts.MaxConnections - facts.ReservedConnections, (workers * ConnectionsPerWorker) + ConnectionsBeside);
        var use = string.Create(CultureInfo.InvariantCulture,
            $"{facts.UsedConnections} of {allowed} connections are in use, with {workers} workers");
        yield return facts.UsedConnections * 10 > allowed * 9
            ? Wrong(use + ".", context.Server, "Raise max_connections of the server, or end programs that hold connections.")
            : needed > allowed
                ? Warning(string.Create(CultureInfo.InvariantCulture, $"{use}; they and dashboards may need {needed}."), context.Server,
                    "Raise max_connections of the server.")
                : Ok(use + ".", context.Server);
    }

    /// <summary>What may be wrong with a server, each with whether it is, how bad that is, and what to do.</summary>
    internal static IEnumerable<(bool IsBad, FindingState State, string What, string Remedy)> Rules(ServerFacts facts)
    {
        yield return (facts.Encoding != "UTF8", FindingState.Wrong, $"The database's encoding is {facts.Encoding}.",
            "Make the database anew with encoding UTF8: prompts are in every language.");
        yield return (!facts.Fsync, FindingState.Wrong, "fsync is off: a power cut destroys the database.",
            "Set fsync = on and restart the server.");
        yield return (!facts.FullPageWrites, FindingState.Warning, "full_page_writes is off: a power cut may damage the database.",
            "Set full_page_writes = on, unless the file system cannot tear a page.");
        yield return (facts.SynchronousCommit == "off", FindingState.Warning,
            "synchronous_commit is off: a crash of the server loses jobs and images that it said it had recorded.",
            "Set synchronous_commit = on for this database.");
        yield return (!facts.Autovacuum || !facts.TrackCounts, FindingState.Wrong,
            "autovacuum or track_counts is off: claims grow slower every night.",
            "Set autovacuum = on and track_counts = on.");
        yield return (facts.StatementLimitMs > 0 && facts.StatementLimitMs < LeastStatementLimit.TotalMilliseconds, FindingState.Warning,
            string.Create(CultureInfo.InvariantCulture,
                $"Statements of this login end after {facts.StatementLimitMs} ms, which interrupts upkeep."),
            "Set statement_timeout = 0 for the login of workers and dashboard; limits are for producers.");
        yield return (facts.NotificationQueueShare >= FullestNotificationQueue, FindingState.Warning,
            string.Create(CultureInfo.InvariantCulture,
                $"The server's queue of notifications is {facts.NotificationQueueShare * 100:0}% full; once it is full, nothing is ")
                + "submitted or recorded. A session that listens keeps a transaction open.",
            "Find the session as a superuser: select pid, usename, datname, state, xact_start from pg_stat_activity "
                + "where xact_start is not null order by xact_start; it is one of the first. End it: select pg_terminate_backend(PID).");
    }
}
