using System.Runtime.InteropServices;
using SharpFuzz.Common;

namespace BatchGen.FuzzTests.Guided;

/// <summary>Which branches an input took and about how often, and which of that no input before it did.</summary>
/// <remarks>
/// As afl-fuzz counts ("Technical whitepaper for afl-fuzz", sections 1 and 2): one byte for each pair of branches taken one after the
/// other, counts in eight buckets. Instrumented code writes into the one map of the process, so inputs run one at a time.
/// </remarks>
internal sealed unsafe class CoverageMap
{
    private const int Size = 1 << 16;

    // Never freed: instrumented code may run as long as the process does.
    private static readonly byte* Shared = Allocate();
    private static readonly byte[] Buckets = MakeBuckets();

    private readonly byte[] _seen = new byte[Size];

    /// <summary>Pairs of branches that some input took.</summary>
    public int PairCount => Size - _seen.AsSpan().Count((byte)0);

    private static Span<byte> Counts => new(Shared, Size);

    /// <summary>Has to run before any instrumented code does, which writes through the map's address.</summary>
    public static void Prepare() => Trace.SharedMem = Shared;

    /// <summary>Forgets what the last input did.</summary>
    public static void Begin()
    {
        Counts.Clear();
        Trace.PrevLocation = 0;
    }

    /// <summary>Adds what the last input did; true if a pair, or a bucket of a pair, is new.</summary>
    public bool Add()
    {
        var isNew = false;
        var counts = Counts;
        for (var from = 0; counts[from..].IndexOfAnyExcept((byte)0) is var step and >= 0; from++)
        {
            from += step;
            var bucket = Buckets[counts[from]];
            if ((_seen[from] & bucket) == 0) (isNew, _seen[from]) = (true, (byte)(_seen[from] | bucket));
            if (from == Size - 1) break;
        }

        return isNew;
    }

    private static byte* Allocate() => (byte*)NativeMemory.AllocZeroed(Size);

    private static byte[] MakeBuckets()
    {
        var buckets = new byte[256];
        for (var count = 1; count < buckets.Length; count++)
        {
            buckets[count] = count switch
            {
                1 => 1,
                2 => 2,
                3 => 4,
                < 8 => 8,
                < 16 => 16,
                < 32 => 32,
                < 128 => 64,
                _ => 128,
            };
        }

        return buckets;
    }
}
