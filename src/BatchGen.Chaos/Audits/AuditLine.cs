namespace BatchGen.Chaos.Audits;

/// <summary>What one check of the audit found.</summary>
/// <param name="What">What must hold.</param>
/// <param name="Checked">How many things were looked at.</param>
/// <param name="Violations">Where it does not hold, in words.</param>
public sealed record AuditLine(string What, long Checked, IReadOnlyList<string> Violations);
