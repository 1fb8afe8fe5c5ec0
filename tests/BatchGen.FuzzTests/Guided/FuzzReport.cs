namespace BatchGen.FuzzTests.Guided;

/// <summary>What a run of one target did.</summary>
/// <param name="Target">Name of the target.</param>
/// <param name="Executions">Inputs that ran.</param>
/// <param name="Paths">Inputs that took a pair of branches, or took one about as often, as none before.</param>
/// <param name="Pairs">Pairs of branches that were taken.</param>
/// <param name="Elapsed">How long it ran.</param>
/// <param name="SinceNewPath">How long no new path was found at the end.</param>
/// <param name="SlowestMs">The longest that one input took, in milliseconds.</param>
/// <param name="MostBytes">The most memory that one input had allocated in all, in bytes.</param>
internal sealed record FuzzReport(
    string Target, long Executions, int Paths, int Pairs, TimeSpan Elapsed, TimeSpan SinceNewPath, double SlowestMs, long MostBytes)
{
    /// <summary>One line, as docs/reliability.md shows it.</summary>
    public override string ToString() => FormattableString.Invariant(
        $"{Target}: {Executions} executions in {Elapsed.TotalSeconds:0} s, {Paths} paths, {Pairs} pairs of branches, ")
        + FormattableString.Invariant($"the last new path {SinceNewPath.TotalSeconds:0} s before the end, ")
        + FormattableString.Invariant($"slowest input {SlowestMs:0} ms, most memory of one input {MostBytes / 1048576.0:0.0} MiB");
}
