using NpgsqlTypes;
using static BatchGen.Queue.QueueDatabase;

namespace BatchGen.Queue.Schedules;

/// <summary>Stores campaigns that are submitted on a schedule.</summary>
public sealed class ScheduleStore(QueueDatabase database)
{
    /// <summary>All schedules, by name.</summary>
    public async Task<IReadOnlyList<CampaignSchedule>> ListAsync(CancellationToken cancellationToken) =>
        await database.QueryAsync<CampaignSchedule>("list_schedules", null, cancellationToken);

    /// <summary>One schedule with its jobs, or null.</summary>
    public async Task<CampaignSchedule?> FindAsync(int id, CancellationToken cancellationToken) =>
        (await database.QueryAsync<CampaignSchedule>("find_schedule", new { id }, cancellationToken)).SingleOrDefault();

    /// <summary>Adds or changes a schedule.</summary>
    /// <param name="name">Name of the schedule; campaigns of its runs are named after it.</param>
    /// <param name="cron">Cron expression of five fields.</param>
    /// <param name="timeZone">Zone of the expression, and of times in the list.</param>
    /// <param name="jobs">The list as it was typed, CSV or JSON.</param>
    /// <param name="jobCount">How many jobs it stands for.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <returns>Id of the schedule.</returns>
    public async Task<int> SaveAsync(
        string name, string cron, string timeZone, string jobs, int jobCount, CancellationToken cancellationToken) =>
            (await database.ListAsync<int>("upsert_schedule",
            [
                Parameter("name", NpgsqlDbType.Text, name), Parameter("cron", NpgsqlDbType.Text, cron),
                Parameter("time_zone", NpgsqlDbType.Text, timeZone), Parameter("jobs", NpgsqlDbType.Text, jobs),
                Parameter("job_count", NpgsqlDbType.Integer, jobCount),
            ], cancellationToken)).Single();

    /// <summary>Switches a schedule on or off.</summary>
    /// <returns>False when there is no such schedule.</returns>
    public async Task<bool> EnableAsync(int id, bool enabled, CancellationToken cancellationToken) =>
        (await database.QueryAsync<int>("enable_schedule", new { id, enabled }, cancellationToken)).Count > 0;

    /// <summary>Removes a schedule.</summary>
    /// <returns>False when there is no such schedule.</returns>
    public async Task<bool> DeleteAsync(int id, CancellationToken cancellationToken) =>
        (await database.QueryAsync<int>("delete_schedule", new { id }, cancellationToken)).Count > 0;

    /// <summary>Records the result of a run, for people.</summary>
    public Task NoteRunAsync(int id, string result, CancellationToken cancellationToken) =>
        database.ExecuteAsync("note_schedule_run", new { id, result }, cancellationToken);
}

/// <summary>A campaign that is submitted on a schedule.</summary>
public sealed class CampaignSchedule
{
    /// <summary>Id of the schedule.</summary>
    public int Id { get; init; }

    /// <summary>Name of the schedule; campaigns of its runs are named after it.</summary>
    public string Name { get; init; } = "";

    /// <summary>Cron expression of five fields.</summary>
    public string Cron { get; init; } = "";

    /// <summary>Time zone of the expression, and of times in the list.</summary>
    public string TimeZone { get; init; } = "";

    /// <summary>The list of jobs as it was typed, CSV or JSON; empty in lists.</summary>
    public string Jobs { get; init; } = "";

    /// <summary>How many jobs a run submits.</summary>
    public int JobCount { get; init; }

    /// <summary>False while switched off.</summary>
    public bool Enabled { get; init; }

    /// <summary>When the schedule last ran, or null when it has not yet.</summary>
    public DateTimeOffset? LastRunAt { get; init; }

    /// <summary>Result of the last run, for people, or null.</summary>
    public string? LastResult { get; init; }
}
