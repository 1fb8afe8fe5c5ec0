using System.Globalization;
using System.Numerics;
using System.Text.RegularExpressions;
using BatchGen.Core.Files;
using BatchGen.Core.Jobs;

namespace BatchGen.Core.Imaging;

/// <summary>Where the image of one attempt at a job lies: <c>000012/000012345-h3k2j9x0ab.png</c>, a thousand jobs to a folder.</summary>
/// <remarks>
/// The name has the job's id and, in base 36, the epoch of the batch: the microsecond of the claim in the database that handed the job
/// out. So the images of two attempts at a job, and of two databases over one folder, have different names.
/// </remarks>
public static partial class ImagePaths
{
    private const int PerFolder = 1000;
    private const string Digits = "0123456789abcdefghijklmnopqrstuvwxyz";

    // As many digits as the microseconds of the years 1973 to 2085 have, so that names sort by job and then by attempt.
    private const int EpochDigits = 10;

    /// <summary>Path below the image folder, with '/'.</summary>
    /// <param name="jobId">The job.</param>
    /// <param name="epoch">Epoch of the batch that renders it.</param>
    /// <param name="format">Decides the extension.</param>
    public static string Of(long jobId, long epoch, ImageFormat format)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(epoch);
        return string.Create(
            CultureInfo.InvariantCulture, $"{FolderOf(jobId)}/{jobId:D9}-{Base36(epoch)}{format.Extension()}");
    }

    /// <summary>The folder of a job's images, below the image folder.</summary>
    public static string FolderOf(long jobId)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(jobId);
        return (jobId / PerFolder).ToString("D6", CultureInfo.InvariantCulture);
    }

    /// <summary>Reads the name of an image, or of one that is being written.</summary>
    /// <param name="name">Name of a file, without its folder.</param>
    /// <returns>Null when <see cref="Of"/> does not make such a name.</returns>
    public static (long JobId, long Epoch)? Read(string name)
    {
        if (Form().Match(name) is not { Success: true } match) return null;
        var epoch = match.Groups["epoch"].Value.Aggregate(
            BigInteger.Zero, (sum, digit) => (sum * 36) + Digits.IndexOf(digit, StringComparison.Ordinal));
        return long.TryParse(match.Groups["job"].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out var jobId)
            && epoch <= long.MaxValue ? (jobId, (long)epoch) : null;
    }

    private static string Base36(long value)
    {
        var text = "";
        for (; value > 0; value /= 36) text = Digits[(int)(value % 36)] + text;
        return text.PadLeft(EpochDigits, '0');
    }

    [GeneratedRegex(
        @"^(?<job>\d{9,19})-(?<epoch>[0-9a-z]{10,13})\.(png|webp|jpg)(\" + TemporaryNames.UnfinishedExtension + ")?$",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex Form();
}
