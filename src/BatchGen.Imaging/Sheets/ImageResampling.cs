namespace BatchGen.Imaging.Sheets;

/// <summary>
/// Brings images to a size with a windowed sinc, the same for every image library: what an image starts from must not depend on the build.
/// </summary>
/// <remarks>
/// Lanczos filter with three lobes, Duchon 1979, "Lanczos filtering in one and two dimensions": w(x) = sinc(x) sinc(x/3) for |x| below 3.
/// When an image is made smaller the filter is widened by the same factor, which keeps fine patterns from turning into coarse ones.
/// </remarks>
public static class ImageResampling
{
    private const double Lobes = 3;

    /// <summary>The image in exactly this size: proportions kept, what sticks out cut off at both sides alike.</summary>
    public static PixelImage Cover(PixelImage image, int widthPixels, int heightPixels)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentOutOfRangeException.ThrowIfLessThan(widthPixels, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(heightPixels, 1);
        if ((image.WidthPixels, image.HeightPixels) == (widthPixels, heightPixels)) return image;
        // Source pixels for each target pixel: the smaller of both, so that the target is filled.
        var scale = Math.Min((double)image.WidthPixels / widthPixels, (double)image.HeightPixels / heightPixels);
        var columns = Taps.Of(image.WidthPixels, widthPixels, scale);
        var rows = Taps.Of(image.HeightPixels, heightPixels, scale);
        // Only the rows that the second pass reads.
        var (top, bottom) = (rows.Min(tap => tap.First), rows.Max(tap => tap.First + tap.Weights.Length));
        var narrow = new float[(bottom - top) * widthPixels * 3];
        for (var y = top; y < bottom; y++)
        {
            var source = image.Rgb.AsSpan(y * image.WidthPixels * 3, image.WidthPixels * 3);
            for (var x = 0; x < widthPixels; x++)
            {
                var tap = columns[x];
                double r = 0, g = 0, b = 0;
                for (int i = 0, at = tap.First * 3; i < tap.Weights.Length; i++, at += 3)
                {
                    r += tap.Weights[i] * source[at];
                    g += tap.Weights[i] * source[at + 1];
                    b += tap.Weights[i] * source[at + 2];
                }

                var place = (((y - top) * widthPixels) + x) * 3;
                (narrow[place], narrow[place + 1], narrow[place + 2]) = ((float)r, (float)g, (float)b);
            }
        }

        var result = new PixelImage(widthPixels, heightPixels, new byte[widthPixels * heightPixels * 3]);
        var line = widthPixels * 3;
        for (var y = 0; y < heightPixels; y++)
        {
            var tap = rows[y];
            for (var x = 0; x < line; x++)
            {
                double sum = 0;
                for (var i = 0; i < tap.Weights.Length; i++) sum += tap.Weights[i] * narrow[((tap.First - top + i) * line) + x];
                // The filter's negative lobes overshoot beside hard edges.
                result.Rgb[(y * line) + x] = (byte)Math.Clamp(Math.Round(sum), 0, 255);
            }
        }

        return result;
    }

    /// <summary>Which source pixels make one target pixel, and how much each counts; the weights add up to one.</summary>
    private sealed record Taps(int First, double[] Weights)
    {
        public static Taps[] Of(int sourceLength, int targetLength, double scale)
        {
            var start = (sourceLength - (targetLength * scale)) / 2;
            var widening = Math.Max(1, scale);
            return Enumerable.Range(0, targetLength).Select(i =>
            {
                var centre = start + ((i + 0.5) * scale);
                var first = Math.Max(0, (int)Math.Floor(centre - (Lobes * widening)));
                var end = Math.Min(sourceLength, (int)Math.Ceiling(centre + (Lobes * widening)));
                var weights = Enumerable.Range(first, end - first).Select(at => Lanczos((at + 0.5 - centre) / widening)).ToArray();
                var sum = weights.Sum();
                return new Taps(first, weights.Select(weight => weight / sum).ToArray());
            }).ToArray();
        }

        private static double Lanczos(double x) => Math.Abs(x) >= Lobes ? 0 : Sinc(x) * Sinc(x / Lobes);

        private static double Sinc(double x) => x == 0 ? 1 : Math.Sin(Math.PI * x) / (Math.PI * x);
    }
}
