using BatchGen.Core.Failures;

namespace BatchGen.Core.Jobs;

/// <summary>A job whose image is saved on disk.</summary>
/// <param name="JobId">Id of the job.</param>
/// <param name="RelativePath">Path below the image folder, its parts separated by '/'.</param>
/// <param name="SizeBytes">Length of the file.</param>
/// <param name="Sha256">Lower-case hex SHA-256 of the file.</param>
/// <param name="WidthPixels">Width in pixels.</param>
/// <param name="HeightPixels">Height in pixels.</param>
/// <param name="Seed">Seed of the noise that the image was drawn from.</param>
/// <param name="RecipeJson">The recipe inside the image file, as JSON.</param>
public sealed record CompletedJob(
    long JobId, string RelativePath, long SizeBytes, string Sha256, int WidthPixels, int HeightPixels, long Seed, string RecipeJson);

/// <summary>A failed attempt at a job.</summary>
/// <param name="JobId">Id of the job.</param>
/// <param name="Code">Why it failed; the code decides whether the job is retried.</param>
/// <param name="Message">What failed, and what to do about it.</param>
public sealed record FailedJob(long JobId, FailureCode Code, string Message);
