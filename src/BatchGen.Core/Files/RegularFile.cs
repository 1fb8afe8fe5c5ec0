using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace BatchGen.Core.Files;

/// <summary>Opens files in folders that people fill: only regular files, and what links to them lead to.</summary>
/// <remarks>
/// A named pipe would keep whoever opens it waiting for a writer that never comes, and a device has no end or does something when it is
/// opened. Nothing is opened before it is looked at, and what came in its place meanwhile is not waited for.
/// </remarks>
public static partial class RegularFile
{
    // Numbers of Linux (fcntl.h, sys/stat.h; the same on x86 and Arm) and of macOS.
    private const int WithoutWaitingOnLinux = 0x800, CloseOnExecOnLinux = 0x80000, WithoutWaitingOnMac = 0x4, CloseOnExecOnMac = 0x1000000;
    private const int CurrentFolder = -100, OfTheHandle = 0x1000, TypeWanted = 1;
    private const int TypeMask = 0xF000, TypeRegular = 0x8000;
    private const int SequentialAdvice = 2;

    // statx(2): the structure's size, and where its field stx_mode lies.
    private const int StatusBytes = 256, ModeOffset = 28;

    /// <summary>Opens a file to be read from the beginning, without a buffer.</summary>
    /// <param name="path">The file, or a link to it.</param>
    /// <exception cref="IrregularFileException">It is a folder, a named pipe, a device or a socket.</exception>
    /// <exception cref="IOException">It is missing or cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not read it.</exception>
    public static FileStream Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (Directory.Exists(path)) throw new IrregularFileException("a folder");
        if (OperatingSystem.IsWindows()) return OpenPlainly(path);
        Refuse(TypeOf(CurrentFolder, path, 0));
        var flags = OperatingSystem.IsMacOS() ? WithoutWaitingOnMac | CloseOnExecOnMac : WithoutWaitingOnLinux | CloseOnExecOnLinux;
        var number = OpenFile(path, flags);
        // Opened once more for the error that says why it cannot be.
        if (number < 0) return OpenPlainly(path);
        var handle = new SafeFileHandle(number, ownsHandle: true);
        try
        {
            Refuse(TypeOf(number, "", OfTheHandle));
            var stream = new FileStream(handle, FileAccess.Read, bufferSize: 0, isAsync: false);
            if (!stream.CanSeek) throw new IrregularFileException("a named pipe or a device");
            if (OperatingSystem.IsLinux()) _ = Advise(number, 0, 0, SequentialAdvice);
            return stream;
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>Reads a whole file, as long as it is when it is opened.</summary>
    /// <param name="path">The file, or a link to it.</param>
    /// <param name="mostBytes">A longer file is refused.</param>
    /// <inheritdoc cref="Open" path="/exception"/>
    public static byte[] ReadAllBytes(string path, long mostBytes)
    {
        using var stream = Open(path);
        if (stream.Length > mostBytes)
            throw new IOException($"it has {stream.Length} bytes, and of a file of its kind no more than {mostBytes} are read.");
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }

    /// <summary>Reads a text in UTF-8.</summary>
    /// <param name="path">The file, or a link to it.</param>
    /// <param name="mostBytes">A longer file is refused.</param>
    /// <inheritdoc cref="Open" path="/exception"/>
    public static string ReadAllText(string path, long mostBytes)
    {
        using var reader = new StreamReader(new MemoryStream(ReadAllBytes(path, mostBytes)));
        return reader.ReadToEnd();
    }

    private static FileStream OpenPlainly(string path) => new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);

    /// <summary>What a path leads to that is no regular file, such as "a named pipe"; null for a regular file, one that is missing, and
    /// where the system does not tell.</summary>
    public static string? KindOf(string path) => Directory.Exists(path) ? "a folder" : NameOf(TypeOf(CurrentFolder, path, 0));

    private static void Refuse(int? type)
    {
        if (NameOf(type) is { } kind) throw new IrregularFileException(kind);
    }

    private static string? NameOf(int? type) => type switch
    {
        null or TypeRegular => null,
        0x1000 => "a named pipe",
        0x2000 or 0x6000 => "a device",
        0x4000 => "a folder",
        0xC000 => "a socket",
        _ => "something unknown",
    };

    // Null where it cannot be told: the file is missing, or the system has no statx. Whether it can be sought in tells the rest then.
    private static int? TypeOf(int folder, string path, int flags)
    {
        if (!OperatingSystem.IsLinux()) return null;
        var status = new byte[StatusBytes];
        try
        {
            return Status(folder, path, flags, TypeWanted, status) == 0
                ? MemoryMarshal.Read<ushort>(status.AsSpan(ModeOffset)) & TypeMask : null;
        }
        catch (EntryPointNotFoundException)
        {
            return null;
        }
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int OpenFile(string path, int flags);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Status(int folder, string path, int flags, uint wanted, [Out] byte[] status);

    [LibraryImport("libc", EntryPoint = "posix_fadvise")]
    private static partial int Advise(int file, long offset, long length, int advice);
}
