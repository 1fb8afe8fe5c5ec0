using System.Globalization;

namespace BatchGen.ReferenceCheck;

/// <summary>How a case ended.</summary>
internal enum CaseStatus
{
    Pass,
    Fail,
    Unsupported,
}

/// <summary>Outcome of one case.</summary>
/// <param name="Name">Case name, with the part it belongs to in front.</param>
/// <param name="LargestError">Largest absolute error of the output nearest to its tolerance; NaN where nothing was compared.</param>
/// <param name="Tolerance">What the index allows for that output.</param>
/// <param name="Status">Pass, fail or unsupported.</param>
/// <param name="Reason">Why, unless it passed.</param>
internal sealed record CaseResult(string Name, double LargestError, double Tolerance, CaseStatus Status, string Reason = "")
{
    public static CaseResult Unsupported(string name, string reason) => new(name, double.NaN, double.NaN, CaseStatus.Unsupported, reason);

    public static CaseResult Failed(string name, string reason) => new(name, double.NaN, double.NaN, CaseStatus.Fail, reason);

    /// <summary>One line for people and scripts: name, largest error, tolerance, outcome.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Name}  error {LargestError:0.##e+00}  tolerance {Tolerance:0.##e+00}  "
            + $"{Status.ToString().ToLowerInvariant()}{(Reason.Length > 0 ? ": " + Reason : "")}");
}
