using System.ComponentModel.DataAnnotations;

namespace BatchGen.Queue;

/// <summary>How jobs are claimed and leased; section <c>BatchGen:Queue</c>.</summary>
public sealed class QueueOptions
{
    /// <value>Schema of BatchGen's tables; <c>batchgen</c>.</value>
    [Required, RegularExpression("^[a-z_][a-z0-9_]{0,40}$")]
    public string Schema { get; set; } = "batchgen";

    /// <value>How long a lease lives without a heartbeat; one minute.</value>
    [Range(typeof(TimeSpan), "00:00:05", "01:00:00")]
    public TimeSpan LeaseDuration { get; set; } = TimeSpan.FromMinutes(1);

    /// <value>A job older than this leads the order of dispatch; 30 minutes.</value>
    [Range(typeof(TimeSpan), "00:00:01", "7.00:00:00")]
    public TimeSpan MaxWait { get; set; } = TimeSpan.FromMinutes(30);

    /// <value>Batches in a row a worker stays on one signature while others wait; 32.</value>
    [Range(1, 100_000)]
    public int MaxBatchesPerSignature { get; set; } = 32;

    /// <value>Delay before the first retry; doubles with each attempt, with jitter; 15 seconds.</value>
    [Range(typeof(TimeSpan), "00:00:00", "1.00:00:00")]
    public TimeSpan RetryDelay { get; set; } = TimeSpan.FromSeconds(15);

    /// <value>Longest delay before a retry; one hour.</value>
    [Range(typeof(TimeSpan), "00:00:00", "7.00:00:00")]
    public TimeSpan MaxRetryDelay { get; set; } = TimeSpan.FromHours(1);

    /// <value>Bytes of the start images that one tenant may have sent, together; 10 GiB.</value>
    [Range(0, long.MaxValue)]
    public long StartImageQuotaBytes { get; set; } = 10L << 30;

    /// <value>Jobs fail that no living worker could serve for longer, because each lacks their model, an adapter or the start image on its
    /// machine; 12 hours.</value>
    [Range(typeof(TimeSpan), "00:00:01", "365.00:00:00")]
    public TimeSpan UnservedLimit { get; set; } = TimeSpan.FromHours(12);

    /// <value>How long nothing may finish, although jobs could run, before the queue is said to stand still; 15 minutes.</value>
    [Range(typeof(TimeSpan), "00:01:00", "7.00:00:00")]
    public TimeSpan StandstillAfter { get; set; } = TimeSpan.FromMinutes(15);

    /// <value>How often an idle worker looks for work when no notification came; two seconds.</value>
    [Range(typeof(TimeSpan), "00:00:00.050", "00:00:30", ErrorMessage =
        "{0} lies between {1} and {2}, because a worker that says nothing for a minute counts as gone.")]
    public TimeSpan PollInterval { get; set; } = TimeSpan.FromSeconds(2);
}
