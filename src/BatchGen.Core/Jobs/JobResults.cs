using BatchGen.Core.Failures;

namespace BatchGen.Core.Jobs;

/// <summary>A finished job: its picture is on disk.</summary>
/// <param name="JobId">The job.</param>
/// <param name="RelativePath">Path below the image folder, with '/'.</param>
/// <param name="SizeBytes">Length of the file.</param>
/// <param name="Sha256">Lower-case hex SHA-256 of the file.</param>
/// <param name="WidthPixels">Width.</param>
/// <param name="HeightPixels">Height.</param>
/// <param name="Seed">Seed it was drawn from.</param>
/// <param name="RecipeJson">The recipe inside the picture, as JSON.</param>
public sealed record CompletedJob(
    long JobId, string RelativePath, long SizeBytes, string Sha256, int WidthPixels, int HeightPixels, long Seed, string RecipeJson);

/// <summary>A failed attempt.</summary>
/// <param name="JobId">The job.</param>
/// <param name="Code">Why; decides about a retry.</param>
/// <param name="Message">One clear message.</param>
public sealed record FailedJob(long JobId, FailureCode Code, string Message);
