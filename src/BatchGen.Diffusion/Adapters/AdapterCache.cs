using BatchGen.Core.Failures;
using BatchGen.Core.Registry;

namespace BatchGen.Diffusion.Adapters;

/// <summary>Decoded adapters kept on the host, least recently used first to go when their bytes pass a limit.</summary>
/// <remarks>
/// Thread safe: the next signature's files are read on another thread while the device thread renders. What is rented stays
/// alive until it is returned, even when it was dropped from the cache meanwhile.
/// </remarks>
internal sealed class AdapterCache(long maxBytes) : IDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<(string Path, string Sha256), Slot> _slots = [];
    private readonly LinkedList<Slot> _order = [];
    private long _bytes;
    private long _hits;
    private long _misses;
    private long _repairs;

    /// <summary>Times an adapter was there already.</summary>
    public long Hits => Interlocked.Read(ref _hits);

    /// <summary>Times an adapter had to be read.</summary>
    public long Misses => Interlocked.Read(ref _misses);

    /// <summary>Times an adapter kept here was found damaged in memory and read again.</summary>
    public long Repairs => Interlocked.Read(ref _repairs);

    /// <summary>Bytes kept now.</summary>
    public long SizeBytes
    {
        get
        {
            lock (_lock) return _bytes;
        }
    }

    /// <summary>The decoded adapter of a registry entry, read if it is not here; give it back with <see cref="Return"/>.</summary>
    /// <remarks>
    /// What is here is checksummed before it is handed out: factors that a bad memory changed are read from the file again.
    /// </remarks>
    /// <exception cref="AdapterException">Missing, changed since it was registered, corrupt, or not finite.</exception>
    public LoadedAdapter Rent(AdapterRecord record)
    {
        var adapter = RentUnchecked(record);
        if (adapter.IsIntact()) return adapter;
        Interlocked.Increment(ref _repairs);
        lock (_lock) Drop(adapter.Slot!);
        Return(adapter);
        return RentUnchecked(record);
    }

    /// <summary>Gives a rented adapter back.</summary>
    public void Return(LoadedAdapter adapter)
    {
        lock (_lock)
        {
            var slot = adapter.Slot ?? throw new InvalidOperationException("The adapter was not rented here.");
            slot.Users--;
            if (slot is { Users: 0, Dropped: true }) adapter.Dispose();
            Trim();
        }
    }

    /// <summary>Forgets everything that nobody uses.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            foreach (var slot in _order.ToArray()) Drop(slot);
        }
    }

    private LoadedAdapter RentUnchecked(AdapterRecord record)
    {
        var key = (record.Path, record.Sha256);
        Slot slot;
        lock (_lock)
        {
            if (!_slots.TryGetValue(key, out var found))
            {
                _slots[key] = found = new Slot(key);
                _order.AddLast(found.Node);
            }

            found.Users++;
            slot = found;
        }

        try
        {
            var adapter = Fill(slot, record);
            lock (_lock)
            {
                if (_slots.GetValueOrDefault(key) == slot)
                {
                    _order.Remove(slot.Node);
                    _order.AddLast(slot.Node);
                }

                Trim();
            }

            return adapter;
        }
        catch
        {
            lock (_lock)
            {
                slot.Users--;
                Drop(slot);
            }

            throw;
        }
    }

    private LoadedAdapter Fill(Slot slot, AdapterRecord record)
    {
        // One reader a slot: a second renter of the same file waits for the first instead of reading it again.
        lock (slot.Gate)
        {
            var stamp = Stamp(record);
            if (slot.Adapter is { } ready && slot.Stamp == stamp)
            {
                Interlocked.Increment(ref _hits);
                return ready;
            }

            Interlocked.Increment(ref _misses);
            var loaded = LoadedAdapter.Load(record);
            lock (_lock)
            {
                if (slot.Adapter is { } same)
                {
                    // Touched on disk but equal in content: what is here stays right, for it has the registered hash.
                    loaded.Dispose();
                    loaded = same;
                }
                else
                {
                    slot.Adapter = loaded;
                    loaded.Slot = slot;
                    if (!slot.Dropped) _bytes += loaded.SizeBytes;
                }

                slot.Stamp = stamp;
            }

            return loaded;
        }
    }

    // Equal stamps save hashing the files again; whatever else happens, only bytes that had the registered hash are used.
    private static FilesStamp Stamp(AdapterRecord record)
    {
        var (weights, config) = AdapterFile.FilesOf(record.Path, record);
        return new FilesStamp(Stamp(new FileInfo(weights)), config is null ? default : Stamp(new FileInfo(config)));
    }

    private static (long Length, DateTime Written) Stamp(FileInfo file) => file.Exists ? (file.Length, file.LastWriteTimeUtc) : default;

    private void Trim()
    {
        for (var node = _order.First; node is not null && _bytes > maxBytes;)
        {
            var next = node.Next;
            if (node.Value.Users == 0) Drop(node.Value);
            node = next;
        }
    }

    private void Drop(Slot slot)
    {
        if (slot.Dropped) return;
        slot.Dropped = true;
        _slots.Remove(slot.Key);
        _order.Remove(slot.Node);
        if (slot.Adapter is null) return;
        _bytes -= slot.Adapter.SizeBytes;
        if (slot.Users == 0) slot.Adapter.Dispose();
    }

    /// <summary>Length and time of an adapter's weights file, and of its config where it has one.</summary>
    internal readonly record struct FilesStamp((long Length, DateTime Written) Weights, (long Length, DateTime Written) Config);

    /// <summary>One entry of the cache.</summary>
    internal sealed class Slot
    {
        public Slot((string Path, string Sha256) key)
        {
            Key = key;
            Node = new LinkedListNode<Slot>(this);
        }

        public (string Path, string Sha256) Key { get; }

        public LinkedListNode<Slot> Node { get; }

        public Lock Gate { get; } = new();

        public LoadedAdapter? Adapter { get; set; }

        public FilesStamp Stamp { get; set; }

        public int Users { get; set; }

        public bool Dropped { get; set; }
    }
}
