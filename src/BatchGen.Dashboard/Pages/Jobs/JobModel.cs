using System.Text.Json;
using System.Text.Json.Nodes;
using BatchGen.Core.Jobs;
using BatchGen.Dashboard.Api;
using BatchGen.Queue.Reports;

namespace BatchGen.Dashboard.Pages.Jobs;

/// <summary>A job with its history.</summary>
/// <param name="Job">What it asks for and how it stands.</param>
/// <param name="Extras">Whose it is, which batch drew it, and what its image says.</param>
/// <param name="Attempts">Attempts that did not end in an image, oldest first.</param>
public sealed record JobModel(JobDetails Job, JobExtras Extras, IReadOnlyList<JobAttempt> Attempts)
{
    /// <summary>The fields of the recipe that the job sets, by label and value.</summary>
    public IReadOnlyList<JobFact> RecipeFacts { get; } = FactsOf(RecipeJson.Write(Job.Recipe));

    /// <summary>True while the job has not ended.</summary>
    public bool IsOpen => Job.State is JobState.Queued or JobState.Running;

    /// <summary>True while the page can still change by itself: the job is open, or its image has no checkpoint yet.</summary>
    public bool MayChange => IsOpen || (Job.Image is not null && Job.Image.VerifiedAt is null);

    /// <summary>The recipe inside the image, as indented JSON; null without an image.</summary>
    public string? ReadableRecipe
    {
        get
        {
            if (Extras.Recipe is null) return null;
            using var recipe = JsonDocument.Parse(Extras.Recipe);
            return JsonSerializer.Serialize(recipe.RootElement, ApiJson.Indented);
        }
    }

    private static JobFact[] FactsOf(JsonObject recipe) =>
    [
        .. from field in JobFields.Recipe
           let value = RecipeJson.TextOf(recipe, field)
           where value is not null
           select new JobFact(field.Label, value.Length > 0 ? value : "(empty)"),
    ];
}

/// <summary>A field of a job.</summary>
/// <param name="Label">What people call the field.</param>
/// <param name="Value">Its value as text.</param>
public sealed record JobFact(string Label, string Value);
