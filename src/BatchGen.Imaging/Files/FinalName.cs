using System.Runtime.InteropServices;
using BatchGen.Core.Files;

namespace BatchGen.Imaging.Files;

/// <summary>Gives a finished file its final name without ever replacing a file that has the name already.</summary>
internal static partial class FinalName
{
    // Errors of link(2), alike on Linux and macOS. EPERM, EMLINK, ENOSYS and "not supported" (95 on Linux, 45 on macOS) are the answers
    // of file systems without hard links, such as FAT and some network shares.
    private const int AlreadyExists = 17;
    private static readonly int[] NoLinks = [1, 31, 38, 45, 95];

    /// <summary>Moves a file to a name in the same folder.</summary>
    /// <exception cref="IOException">The name is taken (the file there stays as it is), or the file system refused.</exception>
    public static void Take(string temporary, string final)
    {
        if (OperatingSystem.IsWindows())
        {
            File.Move(temporary, final); // On Windows this looks and moves in one step.
            return;
        }

        // On Unix File.Move looks first and calls rename(2) then, which replaces a file that came between; link(2) refuses.
        if (Link(temporary, final) == 0)
        {
            File.Delete(temporary);
            return;
        }

        var error = Marshal.GetLastPInvokeError();
        if (error == AlreadyExists) throw Taken(final, inner: null);
        if (!NoLinks.Contains(error)) throw new IOException(Marshal.GetLastPInvokeErrorMessage(), error);
        TakeWithoutLinks(temporary, final);
    }

    // The name is reserved by making an empty file, which only one can do; whoever did may replace it.
    internal static void TakeWithoutLinks(string temporary, string final)
    {
        try
        {
            using var reserved = OwnFiles.Create(final, FolderAccess.Private);
        }
        catch (IOException failure) when (File.Exists(final))
        {
            throw Taken(final, failure);
        }

        File.Move(temporary, final, overwrite: true);
    }

    private static IOException Taken(string final, IOException? inner) =>
        new($"a file named '{Path.GetFileName(final)}' is there already, and no image replaces another file.", inner);

    [LibraryImport("libc", EntryPoint = "link", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Link(string existing, string name);
}
