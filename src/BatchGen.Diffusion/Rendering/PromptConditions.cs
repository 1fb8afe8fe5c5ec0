using BatchGen.Core.Jobs;
using BatchGen.Diffusion.Models;
using BatchGen.Diffusion.Text;
using Microsoft.Extensions.Logging;
using TorchSharp;
using static TorchSharp.torch;

namespace BatchGen.Diffusion.Rendering;

/// <summary>Makes the conditions of a tensor batch from the prompts of its jobs.</summary>
internal static class PromptConditions
{
    /// <summary>Chunks that a job's prompts take; jobs of one tensor batch must have the same number.</summary>
    public static int ChunksOf(PromptEncoder prompts, ClaimedJob job)
    {
        var negative = job.Recipe.GuidanceScale > 1 ? job.Recipe.NegativePrompt : null;
        return Math.Max(prompts.ChunksOf(job.Recipe.Prompt, null), negative is null ? 1 : prompts.ChunksOf(negative, null));
    }

    /// <summary>Encodes the prompts and negative prompts of jobs that share a shape and a number of chunks.</summary>
    /// <param name="model">The model on the device.</param>
    /// <param name="prompts">Its prompt encoder.</param>
    /// <param name="jobs">The jobs of one tensor batch.</param>
    /// <param name="logger">Where prompts that were cut off are logged.</param>
    /// <returns>One row for each job, in order.</returns>
    public static Conditions Encode(DiffusionModel model, PromptEncoder prompts, IReadOnlyList<ClaimedJob> jobs, ILogger logger)
    {
        using var scope = NewDisposeScope();
        var guided = jobs[0].Recipe.GuidanceScale > 1;
        var chunks = ChunksOf(prompts, jobs[0]);
        var (contexts, pooled) = (new List<Tensor>(), new List<Tensor>());
        var (negativeContexts, negativePooled) = (new List<Tensor>(), new List<Tensor>());
        foreach (var job in jobs)
        {
            var recipe = job.Recipe;
            var prompt = prompts.Encode(recipe.Prompt, null, recipe.ClipSkip, chunks);
            // Aliases keep the numbers alive when the cache drops the prompt.
            contexts.Add(prompt.Context.alias());
            if (prompt.Pooled is not null) pooled.Add(prompt.Pooled.alias());
            if (prompts.TokensCutOff(recipe.Prompt) is > 0 and var cut) logger.PromptCut(job.JobId, cut);
            if (!guided) continue;
            if (recipe.NegativePrompt is null && model.ZeroesAbsentNegative)
            {
                negativeContexts.Add(zeros_like(contexts[^1]));
                if (prompt.Pooled is not null) negativePooled.Add(zeros_like(pooled[^1]));
            }
            else
            {
                // As in diffusers, clip_skip is for the prompt only.
                var negative = prompts.Encode(recipe.NegativePrompt ?? "", null, 0, chunks);
                negativeContexts.Add(negative.Context.alias());
                if (negative.Pooled is not null) negativePooled.Add(negative.Pooled.alias());
            }
        }

        var sizes = model.Family.SizeConditions(jobs[0].Recipe.HeightPixels, jobs[0].Recipe.WidthPixels);
        Tensor? Join(List<Tensor> list) => list.Count == 0 ? null : cat(list, 0).MoveToOuterDisposeScope();
        return new Conditions(
            Join(contexts)!, Join(negativeContexts), Join(pooled), Join(negativePooled),
            sizes is null ? null : tensor(sizes, device: model.Device).unsqueeze(0).repeat(jobs.Count, 1).MoveToOuterDisposeScope());
    }
}
