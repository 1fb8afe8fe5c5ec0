using System.Buffers;
using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace BatchGen.Diffusion.Safetensors;

/// <summary>An open safetensors file: its checked header, and its bytes in memory.</summary>
/// <remarks>
/// <see cref="Open"/> maps the file, for models: nothing is copied until a tensor is read. <see cref="Load"/> reads the file into
/// memory once and hashes the very bytes it keeps, for adapters: what was checked is what is used, and a file that someone cuts
/// short while it is in use cannot end the process. Needs no native torch; SafetensorsTensors makes tensors.
/// </remarks>
internal sealed unsafe partial class SafetensorsFile : IDisposable
{
    private const int ChunkBytes = 1 << 20;

    // MADV_DONTNEED of Linux.
    private const int DontNeed = 4;
    private readonly Dictionary<string, SafetensorsEntry> _byName;
    private readonly MemoryMappedViewAccessor? _view;
    private byte* _bytes;

    private SafetensorsFile(string path, byte* bytes, long sizeBytes, MemoryMappedViewAccessor? view)
    {
        Path = path;
        SizeBytes = sizeBytes;
        _bytes = bytes;
        _view = view;
        try
        {
            var length = SafetensorsHeader.CheckLength(new ReadOnlySpan<byte>(bytes, (int)Math.Min(sizeBytes, 16)), sizeBytes, path);
            Header = SafetensorsHeader.Parse(new ReadOnlySpan<byte>(bytes + 8, length), sizeBytes, path);
            _byName = Header.Entries.ToDictionary(entry => entry.Name, StringComparer.Ordinal);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public string Path { get; }

    public long SizeBytes { get; }

    public SafetensorsHeader Header { get; }

    /// <summary>The tensors in the order of their bytes in the file.</summary>
    public IReadOnlyList<SafetensorsEntry> Entries => Header.Entries;

    /// <summary>The <c>__metadata__</c> map; empty when there is none.</summary>
    public IReadOnlyDictionary<string, string> Metadata => Header.Metadata;

    /// <summary>The entry with this key, or null.</summary>
    public SafetensorsEntry? Find(string name) => _byName.GetValueOrDefault(name);

    /// <summary>Maps a file into memory.</summary>
    /// <exception cref="SafetensorsException">Missing, unreadable, or not a sound safetensors file.</exception>
    public static SafetensorsFile Open(string path)
    {
        return Reading(path, stream =>
        {
            using var map = MemoryMappedFile.CreateFromFile(
                stream, mapName: null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
            var view = map.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
            byte* bytes = null;
            view.SafeMemoryMappedViewHandle.AcquirePointer(ref bytes);
            return new SafetensorsFile(path, bytes + view.PointerOffset, stream.Length, view);
        });
    }

    /// <summary>Reads a whole file into memory, and gives the SHA-256 of exactly those bytes.</summary>
    /// <param name="path">The file.</param>
    /// <param name="sha256">Lower-case hex SHA-256.</param>
    /// <param name="check">Called with the SHA-256 before anything is made of the bytes; may throw.</param>
    /// <exception cref="SafetensorsException">Missing, unreadable, or not a sound safetensors file.</exception>
    public static SafetensorsFile Load(string path, out string sha256, Action<string>? check = null)
    {
        var digest = "";
        var file = Reading(path, stream =>
        {
            var length = stream.Length;
            var bytes = (byte*)NativeMemory.AlignedAlloc((nuint)length, 64);
            try
            {
                using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
                for (long done = 0; done < length;)
                {
                    var chunk = new Span<byte>(bytes + done, (int)Math.Min(ChunkBytes, length - done));
                    stream.ReadExactly(chunk);
                    hash.AppendData(chunk);
                    done += chunk.Length;
                }

                digest = Convert.ToHexStringLower(hash.GetHashAndReset());
                check?.Invoke(digest);
            }
            catch
            {
                NativeMemory.AlignedFree(bytes);
                throw;
            }

            return new SafetensorsFile(path, bytes, length, view: null);
        });
        sha256 = digest;
        return file;
    }

    /// <summary>Lower-case hex SHA-256 of a file's bytes on disk, whatever kind of file it is.</summary>
    /// <exception cref="SafetensorsException">Missing or unreadable.</exception>
    public static string HashFile(string path) => Reading(
        path, stream => Convert.ToHexStringLower(SHA256.HashData(stream)), allowShort: true);

    /// <summary>The bytes of one tensor; valid until the file is disposed.</summary>
    /// <exception cref="ArgumentException">The tensor is longer than a span can be; use
    /// <see cref="Bytes(SafetensorsEntry, long, int)"/>.</exception>
    public ReadOnlySpan<byte> Bytes(SafetensorsEntry entry)
    {
        if (entry.LengthBytes > int.MaxValue) throw new ArgumentException($"'{entry.Name}' is longer than a span can be.", nameof(entry));
        return Bytes(entry, 0, (int)entry.LengthBytes);
    }

    /// <summary>Part of the bytes of one tensor; valid until the file is disposed.</summary>
    public ReadOnlySpan<byte> Bytes(SafetensorsEntry entry, long start, int length)
    {
        ObjectDisposedException.ThrowIf(_bytes is null, this);
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start + length, entry.LengthBytes);
        return new ReadOnlySpan<byte>(_bytes + entry.Offset + start, length);
    }

    /// <summary>
    /// Lets the system know that the bytes of a tensor are not needed again soon, so that a mapped file does not count as this process's
    /// memory.
    /// </summary>
    public void Release(SafetensorsEntry entry)
    {
        ObjectDisposedException.ThrowIf(_bytes is null, this);
        if (_view is null || !OperatingSystem.IsLinux()) return;
        // Whole pages inside the tensor; they come back from the file when they are read again.
        var page = (nuint)Environment.SystemPageSize;
        var from = ((nuint)(_bytes + entry.Offset) + page - 1) / page * page;
        var to = (nuint)(_bytes + entry.Offset + entry.LengthBytes) / page * page;
        if (to > from) _ = Advise((void*)from, to - from, DontNeed);
    }

    public void Dispose()
    {
        if (_bytes is null) return;
        if (_view is not null)
        {
            _view.SafeMemoryMappedViewHandle.ReleasePointer();
            _view.Dispose();
        }
        else
        {
            NativeMemory.AlignedFree(_bytes);
        }

        _bytes = null;
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Advise(void* address, nuint length, int advice);

    private static T Reading<T>(string path, Func<FileStream, T> read, bool allowShort = false)
    {
        try
        {
            using var stream = new FileStream(
                path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1, FileOptions.SequentialScan);
            if (!allowShort && stream.Length < 8)
                throw new SafetensorsException(
                    path, $"has {stream.Length} bytes, too few for a safetensors file. It may be cut off: copy or download it again.")
                {
                    IsUnreadable = true,
                };
            return read(stream);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new SafetensorsException(path, "does not exist. It may have been moved; register it again at its new place.", error)
            {
                IsUnreadable = true,
            };
        }
        catch (UnauthorizedAccessException error)
        {
            throw new SafetensorsException(
                path, Directory.Exists(path) ? "is a folder where a safetensors file was expected."
                    : "may not be read by this user. Check its permissions.", error)
            {
                IsUnreadable = true,
            };
        }
        catch (IOException error)
        {
            throw new SafetensorsException(path, $"could not be read: {error.Message}", error) { IsUnreadable = true };
        }
    }
}
