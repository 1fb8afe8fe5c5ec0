namespace BatchGen.Dashboard.Requests;

/// <summary>Texts that say that something does not exist, the same on pages and in the HTTP API.</summary>
internal static class MissingText
{
    /// <summary>There is no such job, or the caller may not know of it.</summary>
    public static string Job(long id) => $"There is no job {id}.";

    /// <summary>The job has no image, or its file is not in the image folder.</summary>
    public static string Image(long jobId) => $"Job {jobId} has no image.";

    /// <summary>No job ever named this campaign.</summary>
    public static string Campaign(string name) => $"There is no campaign '{name}'.";

    /// <summary>No worker with this id runs now.</summary>
    public static string RunningWorker(Guid id) => $"No worker {id} is running.";
}
