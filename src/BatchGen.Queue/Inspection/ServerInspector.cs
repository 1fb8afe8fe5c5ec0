using BatchGen.Queue.Workers;

namespace BatchGen.Queue.Inspection;

/// <summary>Reads what server and logins are like, for people who look for what is wrong.</summary>
public sealed class ServerInspector(QueueDatabase database)
{
    private const int ClockReadings = 5;

    /// <summary>What the server is and how it is set.</summary>
    public async Task<ServerFacts> DescribeAsync(CancellationToken cancellationToken) =>
        (await database.QueryAsync<ServerFacts>("describe_server", null, cancellationToken)).Single();

    /// <summary>How many workers send heartbeats.</summary>
    public Task<int> CountLivingWorkersAsync(CancellationToken cancellationToken) =>
        database.ScalarAsync<int>("count_living_workers", new { answer_limit = WorkerDetails.AnswerLimit }, cancellationToken);

    /// <summary>Logins that act for one tenant; only the owner of the schema may ask.</summary>
    public async Task<IReadOnlyList<TenantLogin>> ListTenantLoginsAsync(CancellationToken cancellationToken) =>
        await database.QueryAsync<TenantLogin>("list_tenant_logins", null, cancellationToken);

    /// <summary>Logins that may submit jobs and do not own the schema.</summary>
    public async Task<IReadOnlyList<Producer>> ListProducersAsync(CancellationToken cancellationToken) =>
        await database.QueryAsync<Producer>("list_producers", null, cancellationToken);

    /// <summary>Signatures of images that were drawn within a day, each with the name of the worker that drew it last.</summary>
    public async Task<IReadOnlyList<DrawnSignature>> ListDrawnLatelyAsync(CancellationToken cancellationToken) =>
        await database.QueryAsync<DrawnSignature>("list_drawn_lately", null, cancellationToken);

    /// <summary>How far a clock is ahead of the server's, and how far that may be off: half of the shortest call.</summary>
    public async Task<(TimeSpan Offset, TimeSpan Uncertainty)> CompareClocksAsync(TimeProvider clock, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(clock);
        var best = (Offset: TimeSpan.Zero, Uncertainty: TimeSpan.MaxValue);
        for (var i = 0; i < ClockReadings; i++)
        {
            var (before, started) = (clock.GetUtcNow(), clock.GetTimestamp());
            var there = (await database.QueryAsync<DateTimeOffset>("read_clock", null, cancellationToken)).Single();
            var half = clock.GetElapsedTime(started) / 2;
            if (half < best.Uncertainty) best = (before + half - there, half);
        }

        return best;
    }
}

/// <summary>What a server is and how it is set.</summary>
public sealed class ServerFacts
{
    /// <summary>Version as a number, for example 150004.</summary>
    public int Version { get; init; }

    /// <summary>Version as the server says it.</summary>
    public string VersionText { get; init; } = "";

    /// <summary>Login of this connection.</summary>
    public string Login { get; init; } = "";

    /// <summary>Whether the login is superuser.</summary>
    public bool IsSuperuser { get; init; }

    /// <summary>Whether the server follows another one.</summary>
    public bool IsStandby { get; init; }

    /// <summary>Whether transactions begin as ones that only read.</summary>
    public bool IsReadOnly { get; init; }

    /// <summary>How many connections the server takes.</summary>
    public int MaxConnections { get; init; }

    /// <summary>How many of them are kept for superusers.</summary>
    public int ReservedConnections { get; init; }

    /// <summary>How many are open now.</summary>
    public int UsedConnections { get; init; }

    /// <summary>Encoding of the database.</summary>
    public string Encoding { get; init; } = "";

    /// <summary>Time zone of sessions.</summary>
    public string TimeZone { get; init; } = "";

    /// <summary>Whether writes are forced to disk.</summary>
    public bool Fsync { get; init; }

    /// <summary>Whether whole pages are logged.</summary>
    public bool FullPageWrites { get; init; }

    /// <summary>Whether a commit waits for the disk.</summary>
    public string SynchronousCommit { get; init; } = "";

    /// <summary>Whether dead rows are removed by themselves.</summary>
    public bool Autovacuum { get; init; }

    /// <summary>Whether the server counts rows, which autovacuum goes by.</summary>
    public bool TrackCounts { get; init; }

    /// <summary>After how many milliseconds a statement of this login ends; 0 for never.</summary>
    public long StatementLimitMs { get; init; }

    /// <summary>How full the queue of notifications of all databases of the server is, from 0 to 1.</summary>
    public double NotificationQueueShare { get; init; }
}

/// <summary>A login that acts for one tenant.</summary>
/// <param name="Name">Name of the login.</param>
/// <param name="QuotedName">The name as statements write it.</param>
/// <param name="Tenant">Name of the tenant.</param>
/// <param name="IsThere">Whether the server has the login.</param>
/// <param name="MaySubmit">Whether the login may submit jobs.</param>
public sealed record TenantLogin(string Name, string QuotedName, string Tenant, bool IsThere, bool MaySubmit);

/// <summary>A login that may submit.</summary>
public sealed class Producer
{
    /// <summary>Name of the login.</summary>
    public string Name { get; init; } = "";

    /// <summary>Its name as SQL spells it.</summary>
    public string QuotedName { get; init; } = "";

    /// <summary>Limits that it lacks, so that its open transactions or long statements do not end by themselves; each as
    /// <c>name=value</c>.</summary>
    public string[] Missing { get; init; } = [];

    /// <summary>Those of them that nobody has decided on for this login.</summary>
    public string[] Unset { get; init; } = [];

    /// <summary>Statements that set what is missing.</summary>
    public string LimitStatements => string.Join("; ", Missing.Select(limit => limit.Split('='))
        .Select(limit => $"alter role {QuotedName} set {limit[0]} = '{limit[1]}'"));
}

/// <summary>A signature that was drawn, and by whom.</summary>
/// <param name="Signature">The signature.</param>
/// <param name="Worker">Name of the worker.</param>
public sealed record DrawnSignature(string Signature, string Worker);
