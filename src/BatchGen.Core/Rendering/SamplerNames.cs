namespace BatchGen.Core.Rendering;

/// <summary>The samplers jobs may name.</summary>
public static class SamplerNames
{
    /// <summary>Every name, in the order help texts list them.</summary>
    public static IReadOnlyList<string> All { get; } = ["ddim", "euler"];
}
