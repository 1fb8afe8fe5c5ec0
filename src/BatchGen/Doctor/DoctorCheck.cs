namespace BatchGen.Doctor;

/// <summary>One thing that <c>batchgen doctor</c> looks at.</summary>
/// <param name="name">Name of the check, as findings show it.</param>
/// <param name="needsDatabase">Whether the check is left out while there is no database.</param>
internal abstract class DoctorCheck(string name, bool needsDatabase)
{
    /// <summary>Name of the check, as findings show it.</summary>
    public string Name { get; } = name;

    /// <summary>Whether the check is left out while there is no database.</summary>
    public bool NeedsDatabase { get; } = needsDatabase;

    /// <summary>Looks, and says what was found; whatever is thrown becomes a finding.</summary>
    public abstract IAsyncEnumerable<Finding> RunAsync(CheckContext context, CancellationToken cancellationToken);

    /// <summary>Says that something is as it should be.</summary>
    protected Finding Ok(string what, string? where = null) => new(Name, FindingState.Ok, what, where, null);

    /// <summary>Says that something may cause trouble.</summary>
    protected Finding Warning(string what, string? where, string remedy) => new(Name, FindingState.Warning, what, where, remedy);

    /// <summary>Says that something does not work.</summary>
    protected Finding Wrong(string what, string? where, string remedy) => new(Name, FindingState.Wrong, what, where, remedy);
}
