using System.ComponentModel.DataAnnotations;
using BatchGen.Dashboard;
using BatchGen.Diffusion.Rendering;
using BatchGen.Monitoring;
using BatchGen.Queue;
using BatchGen.Worker.Hosting;

namespace BatchGen.Composition;

/// <summary>All settings; section <c>BatchGen</c>. The root <c>appsettings.json</c> shows every key with its default.</summary>
public sealed class BatchGenOptions : IValidatableObject
{
    // A lease must outlive two heartbeats that fail, or one slow answer of the database costs a batch.
    private const int HeartbeatsPerLease = 3;

    /// <value>Folder of the private database and the images; relative paths start at the project's folder; <c>var</c>.</value>
    [Required]
    public string DataFolder { get; set; } = "var";

    /// <summary>How jobs are claimed and leased.</summary>
    public QueueOptions Queue { get; } = new();

    /// <summary>How one worker works.</summary>
    public WorkerOptions Worker { get; } = new();

    /// <summary>Device, compute type and caches of the renderer.</summary>
    public DiffusionOptions Diffusion { get; } = new();

    /// <summary>The dashboard and the HTTP API.</summary>
    public DashboardOptions Dashboard { get; } = new();

    /// <summary>Where metrics and traces go.</summary>
    public MonitoringOptions Monitoring { get; } = new();

    /// <inheritdoc/>
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (Worker.HealthUrl.Length > 0 && WorkerListener.FindProblem(Worker.HealthUrl, Monitoring.MetricsToken) is { } problem)
            yield return new ValidationResult(problem, [$"{nameof(Worker)}:{nameof(Worker.HealthUrl)}"]);
        if (Worker.HeartbeatInterval * HeartbeatsPerLease <= Queue.LeaseDuration) yield break;
        yield return new ValidationResult(
            $"{Worker.HeartbeatInterval} is too long for BatchGen:Queue:LeaseDuration {Queue.LeaseDuration}; "
                + "expected at most a third of it. "
            + "Shorten the one or lengthen the other.",
            [$"{nameof(Worker)}:{nameof(Worker.HeartbeatInterval)}"]);
    }
}
