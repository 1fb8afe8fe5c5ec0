namespace BatchGen.Imaging;

/// <summary>What decoding one image may cost, with every image library.</summary>
internal static class DecodeLimits
{
    /// <value>Memory for one image at a time: several times that of the pixels of the largest, since decoders keep whole planes.</value>
    public const long MaxBytes = 1L << 30;

    /// <value>Longest time; the largest image that is accepted takes seconds.</value>
    public static TimeSpan Longest { get; } = TimeSpan.FromSeconds(30);
}
