using System.Globalization;
using BatchGen.Core.Jobs;

namespace BatchGen.Imaging.Files;

/// <summary>Where a job's image lies: decided by the job id alone, a thousand images to a folder.</summary>
public static class ImagePaths
{
    private const int PerFolder = 1000;

    /// <summary>Path below the image folder, with '/': <c>000012/000012345.png</c>.</summary>
    public static string Of(long jobId, ImageFormat format)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(jobId);
        return string.Create(CultureInfo.InvariantCulture, $"{jobId / PerFolder:D6}/{jobId:D9}{format.Extension()}");
    }
}
