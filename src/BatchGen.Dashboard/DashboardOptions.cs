using System.ComponentModel.DataAnnotations;

namespace BatchGen.Dashboard;

/// <summary>The dashboard and the HTTP API; section <c>BatchGen:Dashboard</c>.</summary>
public sealed class DashboardOptions
{
    /// <value>Where to listen; <c>http://127.0.0.1:5080</c>. Anywhere but on this machine it starts only once a user or key exists.</value>
    [Required]
    public string Url { get; set; } = "http://127.0.0.1:5080";

    /// <value>Addresses of reverse proxies whose forwarded headers are believed; none.</value>
    public IList<string> TrustedProxies { get; } = [];

    /// <value>How long a login lasts without use; twelve hours.</value>
    [Range(typeof(TimeSpan), "00:01:00", "30.00:00:00")]
    public TimeSpan SessionLifetime { get; set; } = TimeSpan.FromHours(12);

    /// <value>Logins a client address may try per minute; 10.</value>
    [Range(1, 10_000)]
    public int LoginAttemptsPerMinute { get; set; } = 10;

    /// <value>Zone in which times are shown and the morning report is timed; empty means the server's own.</value>
    public string TimeZone { get; set; } = "";

    /// <value>When the morning report is written, as a cron expression in that zone; <c>0 7 * * *</c>.</value>
    [Required]
    public string ReportCron { get; set; } = "0 7 * * *";

    /// <value>Folder of the morning reports; relative paths start at the data folder; <c>reports</c>.</value>
    [Required]
    public string ReportFolder { get; set; } = "reports";

    /// <value>Address the morning report is posted to as JSON; empty posts nothing.</value>
    public string ReportWebhook { get; set; } = "";
}
