using System.Globalization;
using BatchGen.Core.Imaging;
using BatchGen.Imaging;

namespace BatchGen.Worker.Redrawing;

/// <summary>What became of an image that was drawn again.</summary>
/// <param name="SameBytes">True when the file is the recorded one, byte for byte.</param>
/// <param name="Pixels">Pixels of the image.</param>
/// <param name="DifferingPixels">Pixels that differ.</param>
/// <param name="LargestDifference">Largest difference of a colour value, of 255.</param>
/// <param name="Circumstances">What the bytes depend on and was different when it was recorded, or was not recorded; one text for each.
/// </param>
public sealed record RedrawComparison(
    bool SameBytes, long Pixels, long DifferingPixels, int LargestDifference, IReadOnlyList<string> Circumstances)
{
    /// <summary>Compares an image that was drawn again with its recorded file.</summary>
    /// <exception cref="InvalidDataException">The recorded file cannot be decoded.</exception>
    public static RedrawComparison Of(byte[] recordedFile, ImageRecipe recorded, RedrawnImage redrawn)
    {
        ArgumentNullException.ThrowIfNull(recordedFile);
        ArgumentNullException.ThrowIfNull(recorded);
        ArgumentNullException.ThrowIfNull(redrawn);
        var circumstances = Differing(recorded, redrawn.Recipe);
        // Both from files: a JPEG file does not keep the pixels that were drawn.
        var (old, now) = (ImageEncoder.Decode(recordedFile), ImageEncoder.Decode(redrawn.File));
        var pixels = (long)old.WidthPixels * old.HeightPixels;
        if (old.Rgb.Length != now.Rgb.Length || old.WidthPixels != now.WidthPixels)
            return new(false, pixels, pixels, byte.MaxValue, circumstances);
        var (differing, largest) = (0L, 0);
        for (var i = 0; i < old.Rgb.Length; i += 3)
        {
            var most = Enumerable.Range(i, 3).Max(at => Math.Abs(old.Rgb[at] - now.Rgb[at]));
            if (most > 0) differing++;
            largest = Math.Max(largest, most);
        }

        return new(recordedFile.AsSpan().SequenceEqual(redrawn.File), pixels, differing, largest, circumstances);
    }

    // Each thing that docs/rendering.md says the bytes depend on beside the job. Of what an older program did not record nobody knows
    // whether it differs.
    private static string[] Differing(ImageRecipe recorded, ImageRecipe now)
    {
        (string Name, string? Then, string? Now)[] all =
        [
            ("program", recorded.Program, now.Program),
            ("torch", recorded.Torch, now.Torch),
            ("device", recorded.Device, now.Device),
            ("processor", recorded.Processor, now.Processor),
            ("compute type", recorded.ComputeType, now.ComputeType),
            ("threads", recorded.Threads?.ToString(CultureInfo.InvariantCulture), now.Threads?.ToString(CultureInfo.InvariantCulture)),
        ];
        return [.. all.Where(item => item.Then is null || item.Then != item.Now)
            .Select(item => $"{item.Name}: {item.Now}, " + (item.Then is null ? "not recorded" : $"recorded {item.Then}"))];
    }
}
