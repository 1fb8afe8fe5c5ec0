using BatchGen.Core.Jobs;
using BatchGen.Dashboard.Pages.Jobs;

namespace BatchGen.Dashboard.Pages.Gallery;

/// <summary>An image in its large view, with its neighbours in the gallery.</summary>
/// <param name="Job">The job that it belongs to.</param>
/// <param name="Image">File, size and verification of the image.</param>
/// <param name="NewerJobId">Job of the image before it in the gallery; null at the beginning.</param>
/// <param name="OlderJobId">Job of the image after it in the gallery; null at the end.</param>
/// <param name="Filter">Which images the gallery shows.</param>
public sealed record ImageModel(JobModel Job, ImageDetails Image, long? NewerJobId, long? OlderJobId, GalleryFilter Filter)
{
    /// <summary>Query that keeps the filter.</summary>
    public string Query => Filter.Query();
}
