using System.Runtime.InteropServices;
using System.Security.Cryptography;
using BatchGen.Core.Files;

namespace BatchGen.Diffusion.Safetensors;

/// <summary>An open safetensors file: its checked header, and where its tensors are read from.</summary>
/// <remarks>
/// <see cref="Open"/> reads the header alone, for models: a tensor's bytes are read when they are asked for, straight to where they are
/// wanted. <see cref="Load"/> reads the file into memory once and hashes the very bytes it keeps, for adapters: what was checked is what
/// is used. No file is mapped into memory, because one that somebody cuts short meanwhile would end the process (SIGBUS).
/// Needs no native torch; SafetensorsTensors makes tensors.
/// </remarks>
internal sealed unsafe class SafetensorsFile : IDisposable
{
    private const int ChunkBytes = 1 << 20;

    private readonly Dictionary<string, SafetensorsEntry> _byName;
    private readonly FileStream? _stream;
    private byte* _bytes;
    private bool _disposed;

    private SafetensorsFile(string path, SafetensorsHeader header, long sizeBytes, FileStream? stream, byte* bytes)
    {
        (Path, Header, SizeBytes, _stream) = (path, header, sizeBytes, stream);
        _bytes = bytes;
        _byName = header.Entries.ToDictionary(entry => entry.Name, StringComparer.Ordinal);
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

    /// <summary>Opens a file and reads its header.</summary>
    /// <exception cref="SafetensorsException">Missing, unreadable, or not a sound safetensors file.</exception>
    public static SafetensorsFile Open(string path) => Reading(path, stream =>
    {
        var length = stream.Length;
        Span<byte> start = stackalloc byte[(int)Math.Min(length, 16)];
        ReadFully(stream, path, 0, start);
        var header = new byte[SafetensorsHeader.CheckLength(start, length, path)];
        ReadFully(stream, path, 8, header);
        return new SafetensorsFile(path, SafetensorsHeader.Parse(header, length, path), length, stream, bytes: null);
    }, keepOpen: true);

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
                var header = SafetensorsHeader.CheckLength(new ReadOnlySpan<byte>(bytes, (int)Math.Min(length, 16)), length, path);
                return new SafetensorsFile(
                    path, SafetensorsHeader.Parse(new ReadOnlySpan<byte>(bytes + 8, header), length, path), length, stream: null, bytes);
            }
            catch
            {
                NativeMemory.AlignedFree(bytes);
                throw;
            }
        });
        sha256 = digest;
        return file;
    }

    /// <summary>Lower-case hex SHA-256 of a file's bytes on disk, whatever kind of file it is.</summary>
    /// <exception cref="SafetensorsException">Missing or unreadable.</exception>
    public static string HashFile(string path) => Reading(
        path, stream => Convert.ToHexStringLower(SHA256.HashData(stream)), allowShort: true);

    /// <summary>A copy of the bytes of one tensor.</summary>
    /// <exception cref="ArgumentException">The tensor is longer than an array can be; use <see cref="Read"/>.</exception>
    /// <exception cref="SafetensorsException">The file cannot be read any more.</exception>
    public byte[] Bytes(SafetensorsEntry entry)
    {
        if (entry.LengthBytes > Array.MaxLength)
            throw new ArgumentException($"'{entry.Name}' is longer than an array can be.", nameof(entry));
        var bytes = new byte[entry.LengthBytes];
        Read(entry, 0, bytes);
        return bytes;
    }

    /// <summary>Reads part of the bytes of one tensor.</summary>
    /// <param name="entry">The tensor.</param>
    /// <param name="start">Where the part begins.</param>
    /// <param name="target">Filled with the bytes.</param>
    /// <exception cref="SafetensorsException">The file cannot be read any more.</exception>
    public void Read(SafetensorsEntry entry, long start, Span<byte> target)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start + target.Length, entry.LengthBytes);
        if (_stream is not null) ReadFully(_stream, Path, entry.Offset + start, target);
        else new ReadOnlySpan<byte>(_bytes + entry.Offset + start, target.Length).CopyTo(target);
    }

    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        _stream?.Dispose();
        if (_bytes is not null) NativeMemory.AlignedFree(_bytes);
        _bytes = null;
    }

    private static void ReadFully(FileStream stream, string path, long offset, Span<byte> target)
    {
        try
        {
            while (target.Length > 0)
            {
                var read = RandomAccess.Read(stream.SafeFileHandle, target, offset);
                if (read == 0) throw new EndOfStreamException("it became shorter while it was read.");
                offset += read;
                target = target[read..];
            }
        }
        catch (IOException error)
        {
            throw new SafetensorsException(path, $"could not be read: {error.Message}", error) { IsUnreadable = true };
        }
    }

    private static T Reading<T>(string path, Func<FileStream, T> read, bool allowShort = false, bool keepOpen = false)
    {
        FileStream? stream = null;
        try
        {
            stream = RegularFile.Open(path);
            if (!allowShort && stream.Length < 8)
                throw new SafetensorsException(
                    path, $"has {stream.Length} bytes, too few for a safetensors file. It may be cut off: copy or download it again.")
                {
                    IsUnreadable = true,
                };
            var result = read(stream);
            if (keepOpen) stream = null;
            return result;
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
            throw new SafetensorsException(path, "may not be read by this user. Check its permissions.", error) { IsUnreadable = true };
        }
        catch (IOException error)
        {
            throw new SafetensorsException(path, $"could not be read: {error.Message}", error) { IsUnreadable = true };
        }
        finally
        {
            stream?.Dispose();
        }
    }
}
