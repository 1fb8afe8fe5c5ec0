namespace BatchGen.Core.Adapters;

/// <summary>An adapter of a job, and the strengths it is used with.</summary>
/// <param name="Name">Registered name of the adapter, spelled as registered.</param>
/// <param name="Strength">Multiplier of the adapter's deltas in the UNet; 1 is the strength it was trained at.</param>
/// <param name="TextEncoderStrength">Multiplier in the text encoders; null means the same as <paramref name="Strength"/>.</param>
/// <param name="BlockStrengths">Per-block multipliers (17, 12, 20 or 26 numbers, docs/adapter-formats.md); null means 1 everywhere.</param>
public sealed record AdapterUse(
    string Name,
    decimal Strength,
    decimal? TextEncoderStrength = null,
    IReadOnlyList<decimal>? BlockStrengths = null)
{
    /// <summary>The multiplier that applies to the text encoders.</summary>
    public decimal EffectiveTextEncoderStrength => TextEncoderStrength ?? Strength;
}
