using System.ComponentModel.DataAnnotations;
using BatchGen.Core.Files;

namespace BatchGen.Worker.Hosting;

/// <summary>How one worker works; section <c>BatchGen:Worker</c>.</summary>
public sealed class WorkerOptions
{
    /// <value>What people call the worker; empty means host name and device.</value>
    [MaxLength(100)]
    public string Name { get; set; } = "";

    /// <value>Models it may serve; empty means every registered one.</value>
    public IList<string> Models { get; } = [];

    /// <value>Most jobs claimed at once; 16.</value>
    [Range(1, 1000)]
    public int BatchSize { get; set; } = 16;

    /// <value>Most images rendered as one tensor batch; halved for a while when the device runs out of memory; 8.</value>
    [Range(1, 256)]
    public int TensorBatchSize { get; set; } = 8;

    /// <value>Folder the images go to; relative paths start at the data folder; <c>images</c>.</value>
    [Required]
    public string ImageFolder { get; set; } = "images";

    /// <value>Folder of start images (<c>start_image</c>); relative paths start at the data folder; <c>start-images</c>.</value>
    [Required]
    public string StartImageFolder { get; set; } = "start-images";

    /// <value>Who besides the owner may read what is written into <see cref="ImageFolder"/> and <see cref="StartImageFolder"/>:
    /// <c>private</c> (nobody), <c>group</c> or <c>everyone</c>; <c>private</c>.</value>
    public FolderAccess ImageFolderAccess { get; set; }

    /// <value>Free bytes below which <c>batchgen doctor</c> warns of the disks of data folder and image folder; 10 GiB.</value>
    [Range(0, long.MaxValue)]
    public long LeastFreeBytes { get; set; } = 10L << 30;

    /// <value>How often lease and progress are written; five seconds. Must be well below the lease duration.</value>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:00:30", ErrorMessage =
        "{0} lies between {1} and {2}, because a worker that says nothing for a minute counts as gone.")]
    public TimeSpan HeartbeatInterval { get; set; } = TimeSpan.FromSeconds(5);

    /// <value>How long saving, unloading and requeueing may take after a stop was asked for; one minute.</value>
    [Range(typeof(TimeSpan), "00:00:01", "00:30:00")]
    public TimeSpan StopTimeout { get; set; } = TimeSpan.FromMinutes(1);

    /// <value>How long to wait before looking again whether images can be written; 15 seconds.</value>
    [Range(typeof(TimeSpan), "00:00:00.010", "01:00:00")]
    public TimeSpan OutputRetryInterval { get; set; } = TimeSpan.FromSeconds(15);

    /// <value>How long until a worker looks again for a file of a model or adapter that it could not use; doubles with each look in vain;
    /// one second.</value>
    [Range(typeof(TimeSpan), "00:00:00.010", "01:00:00")]
    public TimeSpan FileRetryInterval { get; set; } = TimeSpan.FromSeconds(1);

    /// <value>Longest time between two such looks; one minute.</value>
    [Range(typeof(TimeSpan), "00:00:00.010", "1.00:00:00")]
    public TimeSpan MaxFileRetryInterval { get; set; } = TimeSpan.FromMinutes(1);

    /// <value>How long a worker that set itself aside waits before it tries one job; doubles with each that fails, up to 16 times; 15
    /// minutes.</value>
    [Range(typeof(TimeSpan), "00:00:00.010", "1.00:00:00")]
    public TimeSpan ProbationInterval { get; set; } = TimeSpan.FromMinutes(15);

    /// <value>How long to wait before another claim when the device could not take a model; 15 seconds.</value>
    [Range(typeof(TimeSpan), "00:00:00.010", "01:00:00")]
    public TimeSpan DeviceRetryInterval { get; set; } = TimeSpan.FromSeconds(15);

    /// <value>Batches between two canary renders, which also come at start and at the end; 0 draws only those ordered; 50.</value>
    [Range(0, 1_000_000)]
    public int CanaryEveryBatches { get; set; } = 50;

    /// <value>What canaries draw; another prompt starts a new comparison; <c>a red house on a green hill</c>.</value>
    [Required]
    public string CanaryPrompt { get; set; } = "a red house on a green hill";

    /// <value>Denoising steps of a canary; 8.</value>
    [Range(1, 100)]
    public int CanarySteps { get; set; } = 8;

    /// <value>Address on which the worker answers <c>/healthz</c>, <c>/readyz</c> and <c>/metrics</c>; empty answers nowhere. Of several
    /// workers of one <c>batchgen up</c> each takes the next port.</value>
    public string HealthUrl { get; set; } = "";

    /// <value>End when nothing is left to do instead of waiting for more; false.</value>
    public bool ExitWhenIdle { get; set; }
}
