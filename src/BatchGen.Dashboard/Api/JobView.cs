using BatchGen.Core.Jobs;

namespace BatchGen.Dashboard.Api;

/// <summary>A job as the API shows it.</summary>
public sealed record JobView
{
    /// <summary>The job.</summary>
    public required long Id { get; init; }

    /// <summary>queued, running, succeeded, failed or cancelled.</summary>
    public required string State { get; init; }

    /// <summary>The prompt.</summary>
    public required string Prompt { get; init; }

    /// <summary>The negative prompt.</summary>
    public string? NegativePrompt { get; init; }

    /// <summary>Base model.</summary>
    public required string Model { get; init; }

    /// <summary>Adapters in summing order.</summary>
    public required IReadOnlyList<JobRequestAdapter> Adapters { get; init; }

    /// <summary>Canonical signature.</summary>
    public required string Signature { get; init; }

    /// <summary>Pixels.</summary>
    public required int Width { get; init; }

    /// <summary>Pixels.</summary>
    public required int Height { get; init; }

    /// <summary>Denoising steps.</summary>
    public required int Steps { get; init; }

    /// <summary>Sampler.</summary>
    public required string Sampler { get; init; }

    /// <summary>Guidance scale.</summary>
    public required double GuidanceScale { get; init; }

    /// <summary>Share of rescaled guidance.</summary>
    public required double GuidanceRescale { get; init; }

    /// <summary>Path of the start picture below the start image folder.</summary>
    public string? StartImage { get; init; }

    /// <summary>How much of the start image is drawn anew.</summary>
    public double? Strength { get; init; }

    /// <summary>Noise seed.</summary>
    public required long Seed { get; init; }

    /// <summary>png, webp or jpeg.</summary>
    public required string Format { get; init; }

    /// <summary>Text encoder layers left out.</summary>
    public required int ClipSkip { get; init; }

    /// <summary>Higher first.</summary>
    public required int Priority { get; init; }

    /// <summary>Campaign.</summary>
    public string? Campaign { get; init; }

    /// <summary>Attempts counted.</summary>
    public required int Attempts { get; init; }

    /// <summary>Attempts allowed.</summary>
    public required int MaxAttempts { get; init; }

    /// <summary>Stable code of the last failure.</summary>
    public string? FailureCode { get; init; }

    /// <summary>Message of the last failure.</summary>
    public string? FailureMessage { get; init; }

    /// <summary>When it was submitted.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Not before.</summary>
    public required DateTimeOffset RunAt { get; init; }

    /// <summary>When it ended.</summary>
    public DateTimeOffset? FinishedAt { get; init; }

    /// <summary>Its picture.</summary>
    public ImageDetails? Image { get; init; }

    /// <summary>Shows a job.</summary>
    public static JobView Of(JobDetails job)
    {
        ArgumentNullException.ThrowIfNull(job);
        return new JobView
        {
            Id = job.JobId,
            State = job.State.ToCode(),
            Prompt = job.Recipe.Prompt,
            NegativePrompt = job.Recipe.NegativePrompt,
            Model = job.Recipe.Signature.Model,
            Adapters = job.Recipe.Signature.Adapters.Select(use => new JobRequestAdapter(use.Name, use.Strength, use.TextEncoderStrength, use.BlockStrengths)).ToArray(),
            Signature = job.Recipe.Signature.ToString(),
            Width = job.Recipe.WidthPixels,
            Height = job.Recipe.HeightPixels,
            Steps = job.Recipe.Steps,
            Sampler = job.Recipe.Sampler,
            GuidanceScale = job.Recipe.GuidanceScale,
            GuidanceRescale = job.Recipe.GuidanceRescale,
            StartImage = job.Recipe.StartImagePath,
            Strength = job.Recipe.StartImagePath is null ? null : job.Recipe.Strength,
            Seed = job.Recipe.Seed,
            Format = job.Recipe.Format.ToCode(),
            ClipSkip = job.Recipe.ClipSkip,
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
