namespace BatchGen.Imaging.Sheets;

/// <summary>A small built-in font, so that labels look the same on machines without fonts.</summary>
/// <remarks>
/// <c>label-font.png</c> holds DejaVu Sans Mono (Bitstream Vera licence, see NOTICE) drawn into cells of 8x16 pixels for U+0020 to U+04FF;
/// <c>eng/LabelFont/MakeLabelFont.cs</c> made it. Other characters are drawn as '?'.
/// </remarks>
internal static class LabelFont
{
    public const int CellWidthPixels = 8;
    public const int CellHeightPixels = 16;
    private const int First = 0x20;
    private const int Last = 0x4FF;
    private const int Columns = 64;

    private static readonly Lazy<PixelImage> Atlas = new(LoadAtlas);

    /// <summary>Draws one line of text, cut off at the right edge of the target.</summary>
    public static void Draw(PixelImage target, int x, int y, string text, (byte R, byte G, byte B) colour)
    {
        var column = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            var left = x + (column++ * CellWidthPixels);
            if (left + CellWidthPixels > target.WidthPixels) return;
            var code = rune.Value is >= First and <= Last ? rune.Value : '?';
            DrawCell(target, left, y, code - First, colour);
        }
    }

    private static void DrawCell(PixelImage target, int x, int y, int cell, (byte R, byte G, byte B) colour)
    {
        var atlas = Atlas.Value;
        for (var row = 0; row < CellHeightPixels; row++)
        {
            if (y + row >= target.HeightPixels) return;
            var source = (((cell / Columns * CellHeightPixels) + row) * atlas.WidthPixels + (cell % Columns * CellWidthPixels)) * 3;
            var place = ((y + row) * target.WidthPixels + x) * 3;
            for (var i = 0; i < CellWidthPixels; i++, source += 3, place += 3)
            {
                var ink = atlas.Rgb[source];
                target.Rgb[place] = Mix(target.Rgb[place], colour.R, ink);
                target.Rgb[place + 1] = Mix(target.Rgb[place + 1], colour.G, ink);
                target.Rgb[place + 2] = Mix(target.Rgb[place + 2], colour.B, ink);
            }
        }
    }

    private static byte Mix(byte paper, byte colour, byte ink) => (byte)(((paper * (255 - ink)) + (colour * ink) + 127) / 255);

    private static PixelImage LoadAtlas()
    {
        using var resource = typeof(LabelFont).Assembly.GetManifestResourceStream("label-font.png")
            ?? throw new InvalidOperationException("The label font is missing from the program.");
        using var bytes = new MemoryStream();
        resource.CopyTo(bytes);
        return ImageEncoder.Decode(bytes.ToArray());
    }
}
