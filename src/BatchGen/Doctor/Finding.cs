namespace BatchGen.Doctor;

/// <summary>How serious a finding is.</summary>
internal enum FindingState
{
    /// <summary>As it should be.</summary>
    Ok,

    /// <summary>Works, and may cause trouble.</summary>
    Warning,

    /// <summary>Does not work until somebody mends it.</summary>
    Wrong,
}

/// <summary>One line of <c>batchgen doctor</c>.</summary>
/// <param name="Check">Which check found it.</param>
/// <param name="State">How serious it is.</param>
/// <param name="What">What was found, in one sentence.</param>
/// <param name="Where">Server, file or folder that it is about, or null.</param>
/// <param name="Remedy">What to do about it, in one sentence; null where nothing needs doing.</param>
internal sealed record Finding(string Check, FindingState State, string What, string? Where, string? Remedy)
{
    /// <summary>The state as the command prints it.</summary>
    public string StateText => State switch
    {
        FindingState.Ok => "ok",
        FindingState.Warning => "warning",
        FindingState.Wrong => "wrong",
        _ => throw new InvalidOperationException($"There is no finding of state {State}."),
    };
}
