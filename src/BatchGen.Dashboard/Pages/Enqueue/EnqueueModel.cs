using BatchGen.Core.Jobs;
using BatchGen.Core.Registry;

namespace BatchGen.Dashboard.Pages.Enqueue;

/// <summary>The enqueue page: form and list, what is wrong with them, and what they would submit.</summary>
public sealed record EnqueueModel
{
    /// <summary>The form as it was filled in.</summary>
    public EnqueueForm Form { get; init; } = new();

    /// <summary>Models that jobs may name.</summary>
    public required IReadOnlyList<ModelRecord> Models { get; init; }

    /// <summary>Adapters that jobs may name.</summary>
    public required IReadOnlyList<AdapterRecord> Adapters { get; init; }

    /// <summary>Names of the tenants.</summary>
    public required IReadOnlyList<string> Tenants { get; init; }

    /// <summary>Problems of the form.</summary>
    public IReadOnlyList<FieldProblem> Problems { get; init; } = [];

    /// <summary>What would be submitted; null before a check.</summary>
    public EnqueuePreview? Preview { get; init; }

    /// <summary>The list of jobs as it was typed or uploaded; null when the form was sent.</summary>
    public string? List { get; init; }

    /// <summary>Why the list was refused, or null.</summary>
    public string? ListProblem { get; init; }

    /// <summary>Campaign for jobs of the list that name none.</summary>
    public string? ListCampaign { get; init; }

    /// <summary>What is wrong with a field; null when nothing is.</summary>
    public string? ProblemOf(string field) => Problems.FirstOrDefault(problem => problem.Field == field)?.Text;
}

/// <summary>What is wrong with a field of the form.</summary>
/// <param name="Field">Name of the field.</param>
/// <param name="Text">What is wrong.</param>
public sealed record FieldProblem(string Field, string Text)
{
    /// <summary>Stands for the form as a whole.</summary>
    public const string WholeForm = "form";
}

/// <summary>Jobs that would be submitted.</summary>
/// <param name="Jobs">How many jobs.</param>
/// <param name="Signatures">Over how many signatures.</param>
/// <param name="First">The first of them.</param>
/// <param name="Alone">How long they take at the present rate.</param>
/// <param name="WithBacklog">How long until they are done, after what waits already.</param>
/// <param name="Missing">Start images they name that this machine does not have; workers elsewhere may.</param>
public sealed record EnqueuePreview(
    long Jobs, long Signatures, IReadOnlyList<JobRequest> First, TimeSpan? Alone, TimeSpan? WithBacklog, IReadOnlyList<string> Missing);
