using System.Text.Json;
using System.Text.Json.Serialization;
using BatchGen.Core.Jobs;

namespace BatchGen.Dashboard.Api;

/// <summary>A job as the API shows it.</summary>
public sealed record JobView
{
    /// <summary>Id of the job.</summary>
    public required long Id { get; init; }

    /// <summary>State of the job: queued, running, succeeded, failed or cancelled.</summary>
    public required string State { get; init; }

    /// <summary>Registered name of the base model.</summary>
    public required string Model { get; init; }

    /// <summary>Adapters in summing order.</summary>
    public required IReadOnlyList<JobRequestAdapter> Adapters { get; init; }

    /// <summary>Canonical text of model and adapters.</summary>
    public required string Signature { get; init; }

    /// <summary>What the job draws: the fields of its recipe, beside the others (<see cref="JobFields.Recipe"/>).</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement> Recipe { get; init; } = new Dictionary<string, JsonElement>(StringComparer.Ordinal);

    /// <summary>Priority; higher ones are dispatched first.</summary>
    public required int Priority { get; init; }

    /// <summary>Campaign that the job belongs to.</summary>
    public string? Campaign { get; init; }

    /// <summary>Attempts counted so far.</summary>
    public required int Attempts { get; init; }

    /// <summary>Attempts allowed before the job fails for good.</summary>
    public required int MaxAttempts { get; init; }

    /// <summary>Stable code of the last failure.</summary>
    public string? FailureCode { get; init; }

    /// <summary>Message of the last failure.</summary>
    public string? FailureMessage { get; init; }

    /// <summary>When the job was submitted.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Earliest start of the job.</summary>
    public required DateTimeOffset RunAt { get; init; }

    /// <summary>When the job ended, or null.</summary>
    public DateTimeOffset? FinishedAt { get; init; }

    /// <summary>The saved image, or null.</summary>
    public ImageDetails? Image { get; init; }

    /// <summary>Makes the view of a job.</summary>
    public static JobView Of(JobDetails job)
    {
        ArgumentNullException.ThrowIfNull(job);
        return new JobView
        {
            Id = job.JobId,
            State = job.State.ToCode(),
            Model = job.Recipe.Signature.Model,
            Adapters = job.Recipe.Signature.Adapters
                .Select(use => new JobRequestAdapter(use.Name, use.Strength, use.TextEncoderStrength, use.BlockStrengths))
                .ToArray(),
            Signature = job.Recipe.Signature.ToString(),
            Recipe = RecipeJson.Write(job.Recipe)
                .ToDictionary(value => value.Key, value => JsonSerializer.SerializeToElement(value.Value), StringComparer.Ordinal),
            Priority = job.Priority,
            Campaign = job.Campaign,
            Attempts = job.Attempts,
            MaxAttempts = job.MaxAttempts,
            FailureCode = job.FailureCode,
            FailureMessage = job.FailureMessage,
            CreatedAt = job.CreatedAt,
            RunAt = job.RunAt,
            FinishedAt = job.FinishedAt,
            Image = job.Image,
        };
    }
}
