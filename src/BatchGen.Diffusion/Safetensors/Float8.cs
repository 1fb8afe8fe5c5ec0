namespace BatchGen.Diffusion.Safetensors;

/// <summary>The two 8-bit float types files may hold, which torch's managed side does not have.</summary>
internal static class Float8
{
    private static readonly float[] E4M3 = Enumerable.Range(0, 256).Select(DecodeE4M3).ToArray();
    private static readonly float[] E5M2 =
        Enumerable.Range(0, 256).Select(code => (float)BitConverter.UInt16BitsToHalf((ushort)(code << 8))).ToArray();

    /// <summary>Decodes each byte to the number it stands for, exactly.</summary>
    public static void Decode(ReadOnlySpan<byte> codes, Span<float> numbers, SafetensorsType type)
    {
        var table = type == SafetensorsType.F8E4M3 ? E4M3 : E5M2;
        for (var i = 0; i < codes.Length; i++) numbers[i] = table[codes[i]];
    }

    // E4M3 without infinities: sign, 4 exponent bits (bias 7), 3 fraction bits; only S.1111.111 is not a number.
    // "FP8 Formats for Deep Learning", Micikevicius et al. 2022, table 1.
    private static float DecodeE4M3(int code)
    {
        var sign = (code & 0x80) == 0 ? 1f : -1f;
        var (exponent, fraction) = (code >> 3 & 15, code & 7);
        if (exponent == 15 && fraction == 7) return float.NaN;
        return exponent == 0
            ? sign * MathF.ScaleB(fraction, -9)
            : sign * MathF.ScaleB(8 + fraction, exponent - 10);
    }
}
