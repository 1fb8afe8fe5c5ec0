using BatchGen.Core.Adapters;
using BatchGen.Core.Failures;
using BatchGen.Core.Jobs;
using BatchGen.Core.Rendering;
using BatchGen.Diffusion.Models;

namespace BatchGen.Diffusion.Rendering;

/// <summary>Whether jobs can be drawn together with the model and adapters that are there.</summary>
internal static class TensorBatchCheck
{
    /// <summary>Checks the jobs of one tensor batch.</summary>
    /// <param name="model">The model that is loaded.</param>
    /// <param name="fused">What is fused into it; null for nothing.</param>
    /// <param name="jobs">The jobs, at least one.</param>
    /// <exception cref="InvalidJobException">A job asks for what the model cannot draw.</exception>
    /// <exception cref="InvalidOperationException">The jobs do not belong together, or to what is fused.</exception>
    public static void Check(DiffusionModel model, AdapterSignature? fused, IReadOnlyList<ClaimedJob> jobs)
    {
        var shape = BatchShape.Of(jobs[0].Recipe);
        foreach (var job in jobs)
        {
            var recipe = job.Recipe;
            if (BatchShape.Of(recipe) != shape)
                throw new InvalidOperationException($"Job {job.JobId} has another shape than job {jobs[0].JobId}; a tensor batch has one.");
            // What is drawn must be what is recorded: a job never runs with other adapters than its own.
            if (fused is null ? recipe.Signature.Adapters.Count > 0 || recipe.Signature.Model != model.Record.Name
                : !recipe.Signature.Equals(fused))
                throw new InvalidOperationException(
                    $"Job {job.JobId} needs '{recipe.Signature}', but '{fused?.ToString() ?? model.Record.Name + "|"}' is fused.");
        }

        var (factor, shared) = (model.Vae.Factor, jobs[0].Recipe);
        if (shared.WidthPixels < factor || shared.HeightPixels < factor || shared.WidthPixels % factor != 0
            || shared.HeightPixels % factor != 0)
        {
            throw new InvalidJobException($"An image of {shared.WidthPixels} x {shared.HeightPixels} cannot be drawn: "
                + $"width and height must be multiples of {factor} for model '{model.Record.Name}'.");
        }

        if (shared.GuidanceRescale is not (>= 0 and <= 1))
            throw new InvalidJobException($"Guidance rescale {shared.GuidanceRescale} is not a number from 0 to 1.");
        RecipeChoices.Check(shared);
        if (!double.IsFinite(shared.GuidanceScale))
            throw new InvalidJobException($"Guidance scale {shared.GuidanceScale} is not a finite number.");
    }
}
