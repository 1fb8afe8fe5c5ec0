namespace BatchGen.ReferenceCheck;

/// <summary>Runs the cases of a reference folder, whatever parts it has.</summary>
internal static class ReferenceRun
{
    /// <summary>All cases whose name contains the filter, run one after another as they are asked for.</summary>
    public static IEnumerable<CaseResult> Run(string folder, IReadOnlyDictionary<string, string> modelSets, string? filter)
    {
        using var sets = new ReferenceSets(folder, modelSets);
        foreach (var (name, run) in All(sets).Where(item => filter is null || item.Name.Contains(filter, StringComparison.Ordinal)))
        {
            CaseResult result;
            try
            {
                result = run();
            }
            catch (Exception error) when (error is not OutOfMemoryException)
            {
                // One case that cannot be run says so and leaves the others alone.
                result = CaseResult.Failed(name, $"{error.GetType().Name}: {error.Message}");
            }

            yield return result;
        }

        if (filter is null || "lora".Contains(filter, StringComparison.Ordinal) || filter.StartsWith("lora/", StringComparison.Ordinal))
        {
            foreach (var outcome in LoraCases.Run(folder, modelSets, filter?["lora".Length..].TrimStart('/')))
            {
                yield return new CaseResult(
                    "lora/" + outcome.Name, outcome.LargestError, outcome.Tolerance,
                    outcome.Problem is null ? CaseStatus.Pass : CaseStatus.Fail, outcome.Problem ?? "");
            }
        }
    }

    private static IEnumerable<(string Name, Func<CaseResult> Run)> All(ReferenceSets sets) =>
        TokenizerCases.All(sets).Concat(RandomCases.All(sets)).Concat(SchedulerCases.All(sets)).Concat(ForwardCases.All(sets))
            .Concat(EndToEndCases.All(sets)).Concat(DemoCases.All(sets)).Concat(ProbeCases.All(sets));
}
