namespace BatchGen.Core.Monitoring;

/// <summary>Room on the disk of a folder, in bytes.</summary>
/// <param name="FreeBytes">What this user may still write.</param>
/// <param name="SizeBytes">Size of the disk.</param>
public readonly record struct DiskSpace(long FreeBytes, long SizeBytes)
{
    /// <summary>Looks at the disk of a folder, which may not be there yet.</summary>
    /// <returns>Null when it cannot be looked at.</returns>
    public static DiskSpace? Of(string folder)
    {
        try
        {
            for (var existing = folder; existing is not null; existing = Path.GetDirectoryName(existing))
            {
                if (!Directory.Exists(existing)) continue;
                var drive = new DriveInfo(existing);
                return new DiskSpace(drive.AvailableFreeSpace, drive.TotalSize);
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            // A disk that is not there has no room that could be told.
            return null;
        }

        return null;
    }
}
