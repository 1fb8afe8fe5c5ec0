namespace BatchGen.Core.Rendering;

/// <summary>How a canary compares with the first one of its kind.</summary>
public enum CanaryVerdict
{
    /// <summary>There was no earlier image to compare with; later canaries are compared with this one.</summary>
    First,

    /// <summary>The same pixels.</summary>
    Equal,

    /// <summary>Another process drew the first one, and this one is close enough to it; other kernels may sum in another order.</summary>
    Close,

    /// <summary>Something is wrong with the model, the device or the program.</summary>
    Differs,
}

/// <summary>The text codes of <see cref="CanaryVerdict"/>, as the database stores them.</summary>
public static class CanaryVerdicts
{
    /// <summary>The code of a verdict.</summary>
    public static string ToCode(this CanaryVerdict verdict) => verdict switch
    {
        CanaryVerdict.First => "first",
        CanaryVerdict.Equal => "equal",
        CanaryVerdict.Close => "close",
        CanaryVerdict.Differs => "differs",
        _ => throw new ArgumentOutOfRangeException(nameof(verdict), verdict, "unknown verdict"),
    };
}
