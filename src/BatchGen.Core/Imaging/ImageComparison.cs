namespace BatchGen.Core.Imaging;

/// <summary>How far two images of equal size are apart.</summary>
/// <param name="Psnr">Peak signal-to-noise ratio in dB over all channels; infinity for equal images.</param>
/// <param name="Ssim">Structural similarity of the luma, 1 for equal images.</param>
/// <param name="DifferingPixels">Pixels with any channel that differs.</param>
public sealed record ImageComparison(double Psnr, double Ssim, int DifferingPixels)
{
    // Wang et al. 2004, "Image quality assessment: from error visibility to structural similarity", K1 = 0.01, K2 = 0.03, L = 255.
    private const double C1 = 0.01 * 255 * 0.01 * 255;
    private const double C2 = 0.03 * 255 * 0.03 * 255;
    private const int Window = 8;

    /// <summary>Compares two images.</summary>
    /// <param name="left">8-bit RGB, rows from top, <c>height * width * 3</c> bytes.</param>
    /// <param name="right">The same form.</param>
    /// <param name="widthPixels">Width of both, at least 8.</param>
    /// <param name="heightPixels">Height of both, at least 8.</param>
    /// <exception cref="ArgumentException">The lengths do not fit the size.</exception>
    public static ImageComparison Of(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right, int widthPixels, int heightPixels)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(widthPixels, Window);
        ArgumentOutOfRangeException.ThrowIfLessThan(heightPixels, Window);
        var length = checked(widthPixels * heightPixels * 3);
        if (left.Length != length || right.Length != length)
            throw new ArgumentException(
                $"Images of {left.Length} and {right.Length} bytes were given; {widthPixels} x {heightPixels} RGB has {length}.",
                nameof(left));
        double squares = 0;
        var differing = 0;
        for (var pixel = 0; pixel < length; pixel += 3)
        {
            var before = squares;
            for (var channel = 0; channel < 3; channel++)
            {
                double difference = left[pixel + channel] - right[pixel + channel];
                squares += difference * difference;
            }

            if (squares > before) differing++;
        }

        var psnr = squares == 0 ? double.PositiveInfinity : 10 * Math.Log10(255d * 255d / (squares / length));
        return new ImageComparison(psnr, StructuralSimilarity(Luma(left), Luma(right), widthPixels, heightPixels), differing);
    }

    // Mean over all windows of 8 x 8, each weighed evenly.
    private static double StructuralSimilarity(double[] left, double[] right, int width, int height)
    {
        double sum = 0;
        var windows = 0;
        for (var top = 0; top <= height - Window; top++)
        {
            for (var start = 0; start <= width - Window; start++, windows++) sum += OfWindow(left, right, width, top, start);
        }

        return sum / windows;
    }

    private static double OfWindow(double[] left, double[] right, int width, int top, int start)
    {
        double x = 0, y = 0, xx = 0, yy = 0, xy = 0;
        for (var row = top; row < top + Window; row++)
        {
            for (var at = row * width + start; at < row * width + start + Window; at++)
            {
                x += left[at];
                y += right[at];
                xx += left[at] * left[at];
                yy += right[at] * right[at];
                xy += left[at] * right[at];
            }
        }

        const double Count = Window * Window;
        var (meanX, meanY) = (x / Count, y / Count);
        // Unbiased estimates, equation 14 and 15.
        var varianceX = (xx - Count * meanX * meanX) / (Count - 1);
        var varianceY = (yy - Count * meanY * meanY) / (Count - 1);
        var covariance = (xy - Count * meanX * meanY) / (Count - 1);
        return (2 * meanX * meanY + C1) * (2 * covariance + C2) / ((meanX * meanX + meanY * meanY + C1) * (varianceX + varianceY + C2));
    }

    // ITU-R BT.601 luma.
    private static double[] Luma(ReadOnlySpan<byte> rgb)
    {
        var luma = new double[rgb.Length / 3];
        for (var i = 0; i < luma.Length; i++) luma[i] = 0.299 * rgb[3 * i] + 0.587 * rgb[3 * i + 1] + 0.114 * rgb[3 * i + 2];
        return luma;
    }
}
