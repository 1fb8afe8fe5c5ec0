using BatchGen.Queue.Reports;

namespace BatchGen.Dashboard.Pages.Gallery;

/// <summary>A page of the gallery.</summary>
/// <param name="Images">The images, newest first; may be empty although there are older ones that were not looked at yet.</param>
/// <param name="Filter">Which images the gallery shows.</param>
/// <param name="Next">Where the next page begins; null at the end of the list.</param>
public sealed record GalleryModel(IReadOnlyList<ImageCard> Images, GalleryFilter Filter, string? Next);
