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
    // Numbers of Linux (fcntl.h, sys/stat.h, errno.h; the same on x86 and Arm unless said otherwise) and of macOS.
    private const int CurrentFolder = -100, OfTheHandle = 0x1000, OfTheLink = 0x100, TypeWanted = 1;
    private const int TypeMask = 0xF000, TypeRegular = 0x8000;
    private const int SequentialAdvice = 2;

    // statx(2): the structure's size, and where its field stx_mode lies.
    private const int StatusBytes = 256, ModeOffset = 28;

    private const int NotPermitted = 1, NoEntry = 2, Interrupted = 4, NoSuchDevice = 6, AccessDenied = 13, NotAFolder = 20;

    private static readonly bool IsMac = OperatingSystem.IsMacOS();
    private static readonly bool IsArm = RuntimeInformation.ProcessArchitecture is Architecture.Arm64 or Architecture.Arm;
    private static readonly int WithoutWaiting = IsMac ? 0x4 : 0x800;
    private static readonly int CloseOnExec = IsMac ? 0x1000000 : 0x80000;
    private static readonly int WithoutLinks = IsMac ? 0x100 : IsArm ? 0x8000 : 0x20000;
    private static readonly int FoldersOnly = IsMac ? 0x100000 : IsArm ? 0x4000 : 0x10000;
    private static readonly int TooManyLinks = IsMac ? 62 : 40;
    private static readonly int CurrentFolderOfOpen = IsMac ? -2 : CurrentFolder;

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
        return StreamOf(OpenAt(CurrentFolderOfOpen, path, WithoutWaiting, path));
    }

    /// <summary>Opens a file to be read from the beginning, without a buffer, in a folder that somebody else may change meanwhile: neither
    /// the file nor its folder may be a link.</summary>
    /// <param name="path">The file.</param>
    /// <inheritdoc cref="Open" path="/exception"/>
    public static FileStream OpenWithoutLinks(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var full = Path.GetFullPath(path);
        var folder = Path.GetDirectoryName(full) ?? throw new IrregularFileException("a folder");
        if (OperatingSystem.IsWindows())
        {
            if ((new FileInfo(full).LinkTarget ?? new DirectoryInfo(folder).LinkTarget) is not null) throw Linked();
            return Open(full);
        }

        // The file is looked up in the folder that was opened, whatever stands in its place by then.
        using var opened = OpenAt(CurrentFolderOfOpen, folder, FoldersOnly | WithoutLinks, full);
        var (number, name) = ((int)opened.DangerousGetHandle(), Path.GetFileName(full));
        Refuse(TypeOf(number, name, OfTheLink));
        return StreamOf(OpenAt(number, name, WithoutWaiting | WithoutLinks, full));
    }

    private static SafeFileHandle OpenAt(int folder, string name, int flags, string path)
    {
        int number, error;
        do
        {
            number = OpenFile(folder, name, flags | CloseOnExec);
            error = Marshal.GetLastPInvokeError();
        }
        while (number < 0 && error == Interrupted);

        if (number >= 0) return new SafeFileHandle(number, ownsHandle: true);
        // A folder that is a link is said to be no folder.
        if ((flags & WithoutLinks) != 0 && (error == TooManyLinks || ((flags & FoldersOnly) != 0 && error == NotAFolder)))
            throw Linked();
        throw ErrorOf(Path.GetFullPath(path), error);
    }

    // The file is not opened once more for an error of the runtime's own: a named pipe may be there by then.
    private static Exception ErrorOf(string path, int error) => error switch
    {
        NoEntry when Directory.Exists(Path.GetDirectoryName(path)) =>
            new FileNotFoundException($"Could not find file '{path}'.", path),
        NoEntry => new DirectoryNotFoundException($"Could not find a part of the path '{path}'."),
        NotPermitted or AccessDenied => new UnauthorizedAccessException($"Access to the path '{path}' is denied."),
        NoSuchDevice => new IrregularFileException("a socket or a device"),
        _ => new IOException($"{Marshal.GetPInvokeErrorMessage(error)} : '{path}'"),
    };

    private static IrregularFileException Linked() => new("a link, or in a folder that is one, and none is followed here");

    private static FileStream StreamOf(SafeFileHandle handle)
    {
        try
        {
            var number = (int)handle.DangerousGetHandle();
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
        0xA000 => "a link",
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

    [LibraryImport("libc", EntryPoint = "openat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int OpenFile(int folder, string path, int flags);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Status(int folder, string path, int flags, uint wanted, [Out] byte[] status);

    [LibraryImport("libc", EntryPoint = "posix_fadvise")]
    private static partial int Advise(int file, long offset, long length, int advice);
}
