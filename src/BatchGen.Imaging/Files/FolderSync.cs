using System.Runtime.InteropServices;

namespace BatchGen.Imaging.Files;

/// <summary>Forces a folder's entries to disk: without it a renamed file may be gone after a power cut (fsync(2), notes).</summary>
internal static partial class FolderSync
{
    private const int ReadOnlyFlag = 0; // O_RDONLY

    // EBADF and EINVAL: some network file systems cannot flush a folder, and keep its entries by means of their own.
    private const int BadFile = 9, Invalid = 22;

    public static void Flush(string folder)
    {
        if (OperatingSystem.IsWindows()) return; // NTFS journals the rename; folders cannot be flushed there.
        var handle = Open(folder, ReadOnlyFlag);
        if (handle < 0)
            throw new IOException(
                $"Folder '{folder}' cannot be opened: {Marshal.GetLastPInvokeErrorMessage()}", Marshal.GetLastPInvokeError());
        try
        {
            if (Sync(handle) != 0 && Marshal.GetLastPInvokeError() is not (BadFile or Invalid))
                throw new IOException(
                    $"Folder '{folder}' cannot be forced to disk: {Marshal.GetLastPInvokeErrorMessage()}", Marshal.GetLastPInvokeError());
        }
        finally
        {
            _ = Close(handle);
        }
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Sync(int handle);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int handle);
}
