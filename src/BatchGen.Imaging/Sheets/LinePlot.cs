using System.Globalization;
using BatchGen.Core.Jobs;

namespace BatchGen.Imaging.Sheets;

/// <summary>Draws numbers over cycles as lines, with a logarithmic horizontal axis and a linear or logarithmic vertical one.</summary>
public static class LinePlot
{
    private const int Left = 84;
    private const int Right = 40;
    private const int Top = 48;
    private const int Bottom = 52;
    private const int LegendLine = LabelFont.CellHeightPixels + 4;

    private static readonly (byte R, byte G, byte B) Paper = (0x18, 0x1A, 0x1F);
    private static readonly (byte R, byte G, byte B) Ink = (0xF2, 0xF3, 0xF5);
    private static readonly (byte R, byte G, byte B) Grid = (0x3A, 0x3E, 0x47);
    // Okabe and Ito's palette: its colours can be distinguished with every common kind of colour blindness.
    private static readonly (byte R, byte G, byte B)[] Colours =
        [(0xE6, 0x9F, 0x00), (0x56, 0xB4, 0xE9), (0xF0, 0xE4, 0x42), (0xCC, 0x79, 0xA7), (0x00, 0x9E, 0x73), (0xD5, 0x5E, 0x00),
            (0x00, 0x72, 0xB2)];

    /// <summary>Draws the plot.</summary>
    /// <param name="title">Line at the top.</param>
    /// <param name="yLabel">What the vertical axis shows, with its unit.</param>
    /// <param name="series">The lines; points with a horizontal value below 1 are left out.</param>
    /// <param name="logarithmic">Vertical axis in powers of ten; values of zero or less are drawn on the bottom edge, which is labelled
    /// 0.</param>
    /// <param name="widthPixels">Width of the image.</param>
    /// <param name="heightPixels">Height of the plot without its legend.</param>
    /// <returns>A PNG file.</returns>
    public static byte[] Draw(
        string title, string yLabel, IReadOnlyList<LinePlotSeries> series, bool logarithmic, int widthPixels = 960, int heightPixels = 480)
    {
        ArgumentNullException.ThrowIfNull(series);
        var height = heightPixels + series.Count * LegendLine;
        var image = new PixelImage(widthPixels, height, new byte[widthPixels * height * 3]);
        for (var i = 0; i < image.Rgb.Length; i += 3) (image.Rgb[i], image.Rgb[i + 1], image.Rgb[i + 2]) = Paper;
        LabelFont.Draw(image, Left, 8, title, Ink);
        LabelFont.Draw(image, 8, 28, yLabel, Ink);
        var axes = Axes.Of(series, logarithmic, widthPixels - Left - Right, heightPixels - Top - Bottom);
        DrawGrid(image, axes, heightPixels);
        for (var i = 0; i < series.Count; i++)
        {
            var colour = Colours[i % Colours.Length];
            var y = heightPixels + i * LegendLine;
            Line(image, Left, y + 8, Left + 28, y + 8, colour);
            LabelFont.Draw(image, Left + 36, y, series[i].Name, Ink);
            var points = series[i].Points.Where(point => point.X >= 1).Select(axes.Place).ToArray();
            for (var p = 1; p < points.Length; p++)
                Line(image, Left + points[p - 1].X, Top + points[p - 1].Y, Left + points[p].X, Top + points[p].Y, colour);
        }

        return ImageEncoder.Encode(image, ImageFormat.Png);
    }

    private static void DrawGrid(PixelImage image, Axes axes, int heightPixels)
    {
        foreach (var x in axes.XTicks)
        {
            var at = Left + axes.Place((x, axes.YMin)).X;
            Line(image, at, Top, at, heightPixels - Bottom, Grid, thick: false);
            LabelFont.Draw(image, (int)at - 8, heightPixels - Bottom + 8, x.ToString("N0", CultureInfo.InvariantCulture), Ink);
        }

        foreach (var y in axes.YTicks)
        {
            var at = Top + axes.Place((1, y)).Y;
            Line(image, Left, at, image.WidthPixels - Right, at, Grid, thick: false);
            LabelFont.Draw(image, 8, (int)at - 8, axes.Logarithmic && y == axes.YMin ? "0" : Label(y), Ink);
        }

        LabelFont.Draw(image, Left, heightPixels - 24, "cycles (logarithmic)", Ink);
    }

    private static string Label(double value) =>
        value.ToString(value == 0 || Math.Abs(value) is >= 0.001 and < 10_000 ? "0.####" : "0.#E+0", CultureInfo.InvariantCulture);

    private static void Line(
        PixelImage image, double x0, double y0, double x1, double y1, (byte R, byte G, byte B) colour, bool thick = true)
    {
        var steps = Math.Max(1, (int)(2 * Math.Max(Math.Abs(x1 - x0), Math.Abs(y1 - y0))));
        for (var i = 0; i <= steps; i++)
        {
            var x = (int)Math.Round(x0 + (x1 - x0) * i / steps);
            var y = (int)Math.Round(y0 + (y1 - y0) * i / steps);
            Dot(image, x, y, colour);
            if (!thick) continue;
            Dot(image, x + 1, y, colour);
            Dot(image, x, y + 1, colour);
        }
    }

    private static void Dot(PixelImage image, int x, int y, (byte R, byte G, byte B) colour)
    {
        if (x < 0 || y < 0 || x >= image.WidthPixels || y >= image.HeightPixels) return;
        var at = (y * image.WidthPixels + x) * 3;
        (image.Rgb[at], image.Rgb[at + 1], image.Rgb[at + 2]) = colour;
    }

    private sealed record Axes(double XMax, double YMin, double YMax, bool Logarithmic, int Width, int Height)
    {
        public IEnumerable<double> XTicks
        {
            get
            {
                for (double x = 1; x <= XMax; x *= 10) yield return x;
            }
        }

        public IEnumerable<double> YTicks
        {
            get
            {
                if (Logarithmic)
                {
                    for (var y = YMin; y <= YMax * 1.0001; y *= 10) yield return y;
                    yield break;
                }

                for (var i = 0; i <= 5; i++) yield return YMin + (YMax - YMin) * i / 5;
            }
        }

        public static Axes Of(IReadOnlyList<LinePlotSeries> series, bool logarithmic, int width, int height)
        {
            var points = series.SelectMany(line => line.Points).Where(point => point.X >= 1 && double.IsFinite(point.Y)).ToArray();
            var xMax = points.Length == 0 ? 10 : Math.Max(10, points.Max(point => point.X));
            var values = points.Select(point => point.Y).Where(y => !logarithmic || y > 0).DefaultIfEmpty(1).ToArray();
            if (!logarithmic) return new Axes(xMax, Math.Min(0, values.Min()), Math.Max(values.Max(), 1e-9), false, width, height);
            // A decade below the smallest value, so that exact zero, drawn on the bottom edge, is seen apart.
            var low = Math.Pow(10, Math.Floor(Math.Log10(values.Min())) - 1);
            return new Axes(xMax, low, Math.Pow(10, Math.Ceiling(Math.Log10(values.Max()))), true, width, height);
        }

        public (double X, double Y) Place((double X, double Y) point)
        {
            var x = Math.Log10(point.X) / Math.Log10(XMax) * Width;
            var y = double.IsFinite(point.Y) ? point.Y : YMax;
            var share = Logarithmic
                ? y <= YMin ? 0 : (Math.Log10(y) - Math.Log10(YMin)) / (Math.Log10(YMax) - Math.Log10(YMin))
                : (y - YMin) / (YMax - YMin);
            return (x, Height - Math.Clamp(share, 0, 1) * Height);
        }
    }
}

/// <summary>A line of a <see cref="LinePlot"/>.</summary>
/// <param name="Name">What the legend calls it.</param>
/// <param name="Points">Its points, by rising X.</param>
public sealed record LinePlotSeries(string Name, IReadOnlyList<(double X, double Y)> Points);
