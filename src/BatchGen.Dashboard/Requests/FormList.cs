using System.Globalization;
using BatchGen.Core.Submitting;

namespace BatchGen.Dashboard.Requests;

/// <summary>Lists of jobs in forms: they are held as a whole, so they have a limit.</summary>
internal static class FormList
{
    /// <summary>Most jobs one form may stand for; more come from a file through the command line or the API.</summary>
    public const int MaxJobs = 100_000;

    /// <summary>Reads a list.</summary>
    /// <param name="text">CSV, JSON or JSON lines.</param>
    /// <param name="name">File name, whose ending says which; may be empty.</param>
    /// <param name="times">The date and zone that short forms of times refer to.</param>
    /// <exception cref="JobFileException">A row cannot be read, or there are too many jobs.</exception>
    public static JobList Read(string text, string name, TimeReference times)
    {
        var list = JobFile.Read(text, name, times);
        return list.Count <= MaxJobs ? list : throw new JobFileException(string.Create(CultureInfo.InvariantCulture,
            $"The list stands for {list.Count:N0} jobs; the limit of the form is {MaxJobs:N0}. ")
            + "Use 'batchgen submit' or the API for more.");
    }
}
