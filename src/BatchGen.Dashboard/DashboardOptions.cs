using System.ComponentModel.DataAnnotations;

namespace BatchGen.Dashboard;

/// <summary>Settings of the dashboard and the HTTP API; section <c>BatchGen:Dashboard</c>.</summary>
public sealed class DashboardOptions
{
    /// <value>Where to listen, several addresses separated by semicolons; <c>http://127.0.0.1:5080</c>. Anywhere but on this machine it
    /// starts only once a user or key exists.</value>
    [Required]
    public string Url { get; set; } = "http://127.0.0.1:5080";

    /// <value>Addresses of reverse proxies whose forwarded headers are believed; none. With one, it starts only
    /// once a user or key exists.</value>
    public IList<string> TrustedProxies { get; } = [];

    /// <value>Time for which a login lasts without use; twelve hours.</value>
    [Range(typeof(TimeSpan), "00:01:00", "30.00:00:00")]
    public TimeSpan SessionLifetime { get; set; } = TimeSpan.FromHours(12);

    /// <value>Time after which a login ends however much it is used; seven days.</value>
    [Range(typeof(TimeSpan), "00:01:00", "365.00:00:00")]
    public TimeSpan MaxSessionLifetime { get; set; } = TimeSpan.FromDays(7);

    /// <value>Logins a client address (a /64 of IPv6) may try per minute; from all together ten times as many for one account; 10.</value>
    [Range(1, 10_000)]
    public int LoginAttemptsPerMinute { get; set; } = 10;

    /// <value>Zone in which times are shown and recurring work is timed; empty means the server's own.</value>
    public string TimeZone { get; set; } = "";

    /// <value>When the morning report is written, as a cron expression in that zone; empty writes none; <c>0 7 * * *</c>.</value>
    public string ReportCron { get; set; } = "0 7 * * *";

    /// <value>When workers are ordered to draw a canary, in that zone; empty orders none; <c>0 3 * * *</c>.</value>
    public string CanaryCron { get; set; } = "0 3 * * *";

    /// <value>When jobs, history and archive past their retention are moved out, in that zone; empty keeps
    /// everything; <c>30 12 * * *</c>.</value>
    public string RetentionCron { get; set; } = "30 12 * * *";

    /// <value>Time for which ended jobs stay in the queue's tables before they move to the archive; 90 days.</value>
    [Range(typeof(TimeSpan), "1.00:00:00", "36500.00:00:00")]
    public TimeSpan KeepJobs { get; set; } = TimeSpan.FromDays(90);

    /// <value>Time for which batches, checkpoints and workers stay that no job refers to; 180 days.</value>
    [Range(typeof(TimeSpan), "1.00:00:00", "36500.00:00:00")]
    public TimeSpan KeepHistory { get; set; } = TimeSpan.FromDays(180);

    /// <value>Time for which archived jobs stay, counted from their end; ten years. Their image files stay anyway.</value>
    [Range(typeof(TimeSpan), "1.00:00:00", "36500.00:00:00")]
    public TimeSpan KeepArchive { get; set; } = TimeSpan.FromDays(3650);

    /// <value>Time for which files stay in the image folder that workers left behind (unfinished or never recorded); one hour.</value>
    [Range(typeof(TimeSpan), "00:01:00", "36500.00:00:00")]
    public TimeSpan KeepLeftovers { get; set; } = TimeSpan.FromHours(1);

    /// <value>Time for which start images stay that no job names, counted from when they were last sent; 30 days.</value>
    [Range(typeof(TimeSpan), "01:00:00", "36500.00:00:00")]
    public TimeSpan KeepStartImages { get; set; } = TimeSpan.FromDays(30);

    /// <value>When bloated indexes are rebuilt, in that zone; empty rebuilds none; <c>0 13 * * 0</c>.</value>
    public string ReindexCron { get; set; } = "0 13 * * 0";

    /// <value>Size from which indexes are rebuilt; 16 MiB.</value>
    [Range(0, long.MaxValue)]
    public long ReindexAboveBytes { get; set; } = 16 << 20;

    /// <value>Whether this process runs recurring work; one process per database is enough, several do no harm; true.</value>
    public bool RunRecurringWork { get; set; } = true;

    /// <value>Folder of the morning reports; relative paths start at the data folder; <c>reports</c>.</value>
    [Required]
    public string ReportFolder { get; set; } = "reports";

    /// <value>Address to which the morning report, the report of every campaign once it has ended, and that the queue began or ceased to
    /// stand still, is posted as JSON; empty posts none.</value>
    public string ReportWebhook { get; set; } = "";

    /// <value>Address that is called every minute while all is well, so that whoever watches it notices silence; empty calls none.</value>
    public string DeadMansSwitchUrl { get; set; } = "";
}
