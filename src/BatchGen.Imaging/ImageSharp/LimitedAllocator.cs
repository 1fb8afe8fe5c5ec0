using System.Buffers;
using SixLabors.ImageSharp.Memory;

namespace BatchGen.Imaging;

/// <summary>Memory for decoding one image: what is asked for beyond a limit is refused.</summary>
/// <remarks>The library's own allocator has no limit in version 2.1. Thread safe, since decoders use several threads.</remarks>
internal sealed class LimitedAllocator(long maxBytes) : MemoryAllocator
{
    private long _used;

    /// <inheritdoc/>
    protected override int GetBufferCapacityInBytes() => int.MaxValue;

    /// <inheritdoc/>
    public override IMemoryOwner<T> Allocate<T>(int length, AllocationOptions options = AllocationOptions.None)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        var bytes = (long)length * System.Runtime.CompilerServices.Unsafe.SizeOf<T>();
        if (Interlocked.Add(ref _used, bytes) > maxBytes)
        {
            Interlocked.Add(ref _used, -bytes);
            throw new InvalidDataException($"The image needs more than {maxBytes >> 20} MB to be decoded.");
        }

        return new Buffer<T>(this, length, bytes);
    }

    private sealed class Buffer<T>(LimitedAllocator owner, int length, long bytes) : IMemoryOwner<T>
    {
        private T[]? _values = new T[length];

        public Memory<T> Memory => _values ?? throw new ObjectDisposedException(nameof(Buffer<T>));

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _values, null) is not null) Interlocked.Add(ref owner._used, -bytes);
        }
    }
}
