using Npgsql;

namespace BatchGen.Queue.Schedules;

/// <summary>When jobs may be claimed.</summary>
public sealed class WindowStore(QueueDatabase database)
{
    /// <summary>All windows, by name; without any, jobs may always be claimed.</summary>
    public async Task<IReadOnlyList<DispatchWindow>> ListAsync(CancellationToken cancellationToken) =>
        await database.QueryAsync<DispatchWindow>("list_dispatch_windows", null, cancellationToken);

    /// <summary>Adds or changes a window for all jobs.</summary>
    /// <exception cref="SubmitRefusedException">The database, by whose clock windows open, does not know the zone; it may be older than this machine.</exception>
    public async Task SaveAsync(string name, string timeZone, TimeOnly opens, TimeOnly closes, CancellationToken cancellationToken)
    {
        try
        {
            await database.QueryAsync<int>("upsert_dispatch_window", new { name, time_zone = timeZone, opens = opens.ToTimeSpan(), closes = closes.ToTimeSpan() }, cancellationToken);
        }
        catch (PostgresException unknown) when (unknown.SqlState == PostgresErrorCodes.InvalidParameterValue)
        {
            throw new SubmitRefusedException($"The database does not know the time zone '{timeZone}'; write one from its pg_timezone_names, such as Europe/Berlin.", unknown);
        }
    }

    /// <summary>Removes a window.</summary>
    public async Task<bool> DeleteAsync(int id, CancellationToken cancellationToken) =>
        (await database.QueryAsync<int>("delete_dispatch_window", new { id }, cancellationToken)).Count > 0;
}

/// <summary>Hours in which jobs may be claimed.</summary>
public sealed class DispatchWindow
{
    /// <summary>Its number.</summary>
    public int Id { get; init; }

    /// <summary>Name.</summary>
    public string Name { get; init; } = "";

    /// <summary>Only for this tenant, or null.</summary>
    public string? Tenant { get; init; }

    /// <summary>Only for this model, or null.</summary>
    public string? Model { get; init; }

    /// <summary>Zone of its hours.</summary>
    public string TimeZone { get; init; } = "UTC";

    /// <summary>When it opens.</summary>
    public TimeSpan Opens { get; init; }

    /// <summary>When it closes; earlier than <see cref="Opens"/> when it crosses midnight.</summary>
    public TimeSpan Closes { get; init; }

    /// <summary>ISO days on which it opens.</summary>
    public int[] Weekdays { get; init; } = [];

    /// <summary>Jobs of at least this priority ignore it.</summary>
    public short? ExemptPriority { get; init; }

    /// <summary>False while switched off.</summary>
    public bool Enabled { get; init; }
}
