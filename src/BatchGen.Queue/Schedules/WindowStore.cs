using Npgsql;

namespace BatchGen.Queue.Schedules;

/// <summary>Stores the hours in which jobs may be claimed.</summary>
public sealed class WindowStore(QueueDatabase database)
{
    /// <summary>All windows, by name; without any, jobs may always be claimed.</summary>
    public async Task<IReadOnlyList<DispatchWindow>> ListAsync(CancellationToken cancellationToken) =>
        await database.QueryAsync<DispatchWindow>("list_dispatch_windows", null, cancellationToken);

    /// <summary>Whether jobs may be claimed now as far as the windows that hold for all of them go, by the clock of the database.</summary>
    public Task<bool> AreOpenAsync(CancellationToken cancellationToken) =>
        database.ScalarAsync<bool>("check_windows", null, cancellationToken);

    /// <summary>Adds or changes a window for all jobs.</summary>
    /// <exception cref="SubmitRefusedException">
    /// The database, by whose clock windows open, does not know the time zone; its list of zones may be older than this machine's.
    /// </exception>
    public async Task SaveAsync(string name, string timeZone, TimeOnly opens, TimeOnly closes, CancellationToken cancellationToken)
    {
        try
        {
            await database.QueryAsync<int>("upsert_dispatch_window",
                new { name, time_zone = timeZone, opens = opens.ToTimeSpan(), closes = closes.ToTimeSpan() },
                cancellationToken);
        }
        catch (PostgresException unknown) when (unknown.SqlState == PostgresErrorCodes.InvalidParameterValue)
        {
            throw new SubmitRefusedException(
                $"The database does not know the time zone '{timeZone}'; write one from its pg_timezone_names, such as Europe/Berlin.",
                unknown);
        }
    }

    /// <summary>Removes a window.</summary>
    /// <returns>False when there is no such window.</returns>
    public async Task<bool> DeleteAsync(int id, CancellationToken cancellationToken) =>
        (await database.QueryAsync<int>("delete_dispatch_window", new { id }, cancellationToken)).Count > 0;
}

/// <summary>Hours in which jobs may be claimed.</summary>
public sealed class DispatchWindow
{
    /// <summary>Id of the window.</summary>
    public int Id { get; init; }

    /// <summary>Name of the window.</summary>
    public string Name { get; init; } = "";

    /// <summary>The only tenant for whose jobs it holds; null means all.</summary>
    public string? Tenant { get; init; }

    /// <summary>The only model for whose jobs it holds; null means all.</summary>
    public string? Model { get; init; }

    /// <summary>Time zone of the hours.</summary>
    public string TimeZone { get; init; } = "UTC";

    /// <summary>Time of day when the window opens.</summary>
    public TimeSpan Opens { get; init; }

    /// <summary>Time of day when the window closes; earlier than <see cref="Opens"/> when it crosses midnight.</summary>
    public TimeSpan Closes { get; init; }

    /// <summary>Days on which the window opens, by ISO number: 1 is Monday, 7 is Sunday.</summary>
    public int[] Weekdays { get; init; } = [];

    /// <summary>Jobs of at least this priority are claimed at any hour; null means none.</summary>
    public short? ExemptPriority { get; init; }

    /// <summary>False while switched off.</summary>
    public bool Enabled { get; init; }
}
