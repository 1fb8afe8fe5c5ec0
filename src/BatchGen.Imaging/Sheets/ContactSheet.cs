using BatchGen.Core.Jobs;

namespace BatchGen.Imaging.Sheets;

/// <summary>Composes images into one labelled image: a heading for each row, a caption below each image.</summary>
public static class ContactSheet
{
    private const int Margin = 16;
    private const int Gap = 8;
    private const int LineHeight = LabelFont.CellHeightPixels + 2;
    private const int CaptionLines = 2;

    private static readonly (byte R, byte G, byte B) Paper = (0x18, 0x1A, 0x1F);
    private static readonly (byte R, byte G, byte B) Heading = (0xF2, 0xF3, 0xF5);
    private static readonly (byte R, byte G, byte B) Caption = (0xA8, 0xAD, 0xB8);

    /// <summary>Draws the sheet.</summary>
    /// <param name="title">Line at the top.</param>
    /// <param name="rows">Rows in order; a row longer than <paramref name="columns"/> goes on below.</param>
    /// <param name="columns">Images side by side.</param>
    /// <param name="cellPixels">Edge of the square each image is fitted into.</param>
    /// <returns>A PNG file.</returns>
    public static byte[] Compose(string title, IReadOnlyList<ContactSheetRow> rows, int columns = 8, int cellPixels = 144)
    {
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentOutOfRangeException.ThrowIfLessThan(columns, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(cellPixels, LabelFont.CellWidthPixels);
        columns = Math.Max(1, Math.Min(columns, rows.Count == 0 ? 1 : rows.Max(row => row.Cells.Count)));
        var cellHeight = cellPixels + (CaptionLines * LineHeight) + Gap;
        var longest = rows.Select(row => row.Label.Length).Append(title.Length).Max() * LabelFont.CellWidthPixels;
        var width = (2 * Margin) + Math.Max((columns * (cellPixels + Gap)) - Gap, Math.Min(longest, 1200));
        var height = (2 * Margin) + LineHeight + rows.Sum(row => Gap + LineHeight + (Lines(row, columns) * cellHeight));

        var sheet = new PixelImage(width, height, new byte[width * height * 3]);
        Fill(sheet);
        LabelFont.Draw(sheet, Margin, Margin, title, Heading);
        var y = Margin + LineHeight;
        foreach (var row in rows)
        {
            y += Gap;
            LabelFont.Draw(sheet, Margin, y, row.Label, Heading);
            y += LineHeight;
            for (var i = 0; i < row.Cells.Count; i++)
                DrawCell(sheet, Margin + (i % columns * (cellPixels + Gap)), y + (i / columns * cellHeight), cellPixels, row.Cells[i]);
            y += Lines(row, columns) * cellHeight;
        }

        return ImageEncoder.Encode(sheet, ImageFormat.Png);
    }

    private static int Lines(ContactSheetRow row, int columns) => (row.Cells.Count + columns - 1) / columns;

    private static void Fill(PixelImage sheet)
    {
        for (var i = 0; i < sheet.Rgb.Length; i += 3) (sheet.Rgb[i], sheet.Rgb[i + 1], sheet.Rgb[i + 2]) = Paper;
    }

    private static void DrawCell(PixelImage sheet, int x, int y, int cellPixels, ContactSheetCell cell)
    {
        var image = PixelScaling.Fit(cell.Image, cellPixels);
        var left = x + ((cellPixels - image.WidthPixels) / 2);
        var top = y + ((cellPixels - image.HeightPixels) / 2);
        for (var row = 0; row < image.HeightPixels; row++)
        {
            image.Rgb.AsSpan(row * image.WidthPixels * 3, image.WidthPixels * 3)
                .CopyTo(sheet.Rgb.AsSpan((((top + row) * sheet.WidthPixels) + left) * 3));
        }

        var lines = Wrap(cell.Caption, cellPixels / LabelFont.CellWidthPixels);
        for (var i = 0; i < lines.Count; i++) LabelFont.Draw(sheet, x, y + cellPixels + 2 + (i * LineHeight), lines[i], Caption);
    }

    // Breaks at blanks where it can; what does not fit the lines ends in an ellipsis.
    private static List<string> Wrap(string caption, int letters)
    {
        var lines = new List<string>();
        var rest = string.Join(' ', caption.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        while (rest.Length > 0 && lines.Count < CaptionLines)
        {
            if (rest.Length <= letters)
            {
                lines.Add(rest);
                break;
            }

            if (lines.Count == CaptionLines - 1)
            {
                lines.Add(rest[..(letters - 2)] + "..");
                break;
            }

            var cut = rest.LastIndexOf(' ', letters);
            if (cut <= 0) cut = letters;
            lines.Add(rest[..cut]);
            rest = rest[cut..].TrimStart();
        }

        return lines;
    }
}

/// <summary>Images under one heading.</summary>
/// <param name="Label">The heading, for example a signature.</param>
/// <param name="Cells">The images.</param>
public sealed record ContactSheetRow(string Label, IReadOnlyList<ContactSheetCell> Cells);

/// <summary>One image of a contact sheet.</summary>
/// <param name="Image">Its pixels.</param>
/// <param name="Caption">Text below it, cut to two lines.</param>
public sealed record ContactSheetCell(PixelImage Image, string Caption);
