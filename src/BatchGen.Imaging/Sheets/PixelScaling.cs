namespace BatchGen.Imaging.Sheets;

/// <summary>Fits images into squares: small ones enlarged by whole factors so that pixels stay sharp, large ones averaged down.</summary>
public static class PixelScaling
{
    /// <summary>The image with its longer edge at most <paramref name="edgePixels"/>, proportions kept.</summary>
    public static PixelImage Fit(PixelImage image, int edgePixels)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentOutOfRangeException.ThrowIfLessThan(edgePixels, 1);
        var longer = Math.Max(image.WidthPixels, image.HeightPixels);
        if (longer == edgePixels) return image;
        return longer < edgePixels ? Enlarge(image, edgePixels / longer) : Shrink(image, (double)longer / edgePixels);
    }

    private static PixelImage Enlarge(PixelImage image, int factor)
    {
        if (factor == 1) return image;
        var result = new PixelImage(image.WidthPixels * factor, image.HeightPixels * factor, new byte[image.Rgb.Length * factor * factor]);
        for (var y = 0; y < result.HeightPixels; y++)
        {
            for (var x = 0; x < result.WidthPixels; x++)
            {
                image.Rgb.AsSpan((((y / factor) * image.WidthPixels) + (x / factor)) * 3, 3)
                    .CopyTo(result.Rgb.AsSpan(((y * result.WidthPixels) + x) * 3));
            }
        }

        return result;
    }

    // Each result pixel is the plain average of the source pixels whose corner falls into it.
    private static PixelImage Shrink(PixelImage image, double factor)
    {
        var width = Math.Max(1, (int)(image.WidthPixels / factor));
        var height = Math.Max(1, (int)(image.HeightPixels / factor));
        var result = new PixelImage(width, height, new byte[width * height * 3]);
        for (var y = 0; y < height; y++)
        {
            var (top, bottom) = Range(y, height, image.HeightPixels);
            for (var x = 0; x < width; x++)
            {
                var (left, right) = Range(x, width, image.WidthPixels);
                int r = 0, g = 0, b = 0;
                for (var sourceY = top; sourceY < bottom; sourceY++)
                {
                    var at = ((sourceY * image.WidthPixels) + left) * 3;
                    for (var sourceX = left; sourceX < right; sourceX++, at += 3)
                    {
                        r += image.Rgb[at];
                        g += image.Rgb[at + 1];
                        b += image.Rgb[at + 2];
                    }
                }

                var count = (bottom - top) * (right - left);
                var place = ((y * width) + x) * 3;
                result.Rgb[place] = (byte)((r + (count / 2)) / count);
                result.Rgb[place + 1] = (byte)((g + (count / 2)) / count);
                result.Rgb[place + 2] = (byte)((b + (count / 2)) / count);
            }
        }

        return result;
    }

    private static (int From, int To) Range(int index, int count, int sourceCount)
    {
        var from = (int)((long)index * sourceCount / count);
        return (from, Math.Max(from + 1, (int)((long)(index + 1) * sourceCount / count)));
    }
}
