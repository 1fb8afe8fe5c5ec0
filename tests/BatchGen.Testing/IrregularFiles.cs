using System.Diagnostics;

namespace BatchGen.Testing;

/// <summary>Makes what is no regular file in the place of one.</summary>
public static class IrregularFiles
{
    /// <summary>Puts a named pipe in the place of a file: whoever opens it waits for a writer that never comes.</summary>
    public static void MakePipe(string path)
    {
        File.Delete(path);
        using var process = Process.Start("mkfifo", [path]);
        process.WaitForExit();
        if (process.ExitCode != 0) throw new InvalidOperationException($"mkfifo {path} ended with {process.ExitCode}.");
    }

    /// <summary>Puts a link to a device without an end in the place of a file.</summary>
    public static void MakeDeviceLink(string path)
    {
        File.Delete(path);
        File.CreateSymbolicLink(path, "/dev/zero");
    }

    /// <summary>Puts a folder in the place of a file.</summary>
    public static void MakeFolder(string path)
    {
        File.Delete(path);
        Directory.CreateDirectory(path);
    }
}
