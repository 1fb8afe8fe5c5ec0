using BatchGen.Core.Registry;
using NpgsqlTypes;
using static BatchGen.Queue.QueueDatabase;

namespace BatchGen.Queue.Registry;

/// <summary>The adapters jobs may name.</summary>
public sealed class AdapterRegistry(QueueDatabase database)
{
    /// <summary>Registers an adapter; registering the same content again is harmless.</summary>
    /// <exception cref="QueueException">The name stands for other content and <paramref name="replace"/> is false.</exception>
    public async Task AddAsync(AdapterRecord adapter, bool replace, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(adapter);
        RegistryNames.Check(adapter.Name, "adapter");
        var registered = (await database.ListAsync<RegisteredContent>("upsert_adapter",
        [
            Parameter("name", NpgsqlDbType.Text, adapter.Name),
            Parameter("path", NpgsqlDbType.Text, adapter.Path),
            Parameter("sha256", NpgsqlDbType.Text, adapter.Sha256),
            Parameter("size_bytes", NpgsqlDbType.Bigint, adapter.SizeBytes),
            Parameter("format", NpgsqlDbType.Text, adapter.Format),
            Parameter("algorithm", NpgsqlDbType.Text, adapter.Algorithm),
            Parameter("family", NpgsqlDbType.Text, adapter.Family),
            Parameter("min_rank", NpgsqlDbType.Integer, adapter.MinRank),
            Parameter("max_rank", NpgsqlDbType.Integer, adapter.MaxRank),
            Parameter("module_count", NpgsqlDbType.Integer, adapter.ModuleCount),
            Parameter("trigger_words", NpgsqlDbType.Array | NpgsqlDbType.Text, adapter.TriggerWords.ToArray()),
            Parameter("replace", NpgsqlDbType.Boolean, replace),
        ], cancellationToken)).Single();
        registered.ThrowUnlessSha256Is(adapter.Sha256, "Adapter");
    }

    /// <summary>The adapters with these names, in no order; a name that is not registered is missing from the result.</summary>
    public async Task<IReadOnlyList<AdapterRecord>> FindAsync(IReadOnlyList<string> names, CancellationToken cancellationToken)
    {
        var keys = names.Select(name => name.ToLowerInvariant()).ToArray();
        return (await database.QueryAsync<AdapterRow>("find_adapters", new { names = keys }, cancellationToken))
            .ConvertAll(row => row.ToRecord());
    }

    /// <summary>All adapters, by name.</summary>
    public async Task<IReadOnlyList<AdapterRecord>> ListAsync(CancellationToken cancellationToken) =>
        (await database.QueryAsync<AdapterRow>("list_adapters", null, cancellationToken)).ConvertAll(row => row.ToRecord());

    private sealed class AdapterRow
    {
        public string Name { get; set; } = "";

        public string Path { get; set; } = "";

        public string Sha256 { get; set; } = "";

        public long SizeBytes { get; set; }

        public string Format { get; set; } = "";

        public string Algorithm { get; set; } = "";

        public string Family { get; set; } = "";

        public int MinRank { get; set; }

        public int MaxRank { get; set; }

        public int ModuleCount { get; set; }

        public string[] TriggerWords { get; set; } = [];

        public AdapterRecord ToRecord() =>
            new(Name, Path, Sha256, SizeBytes, Format, Algorithm, Family, MinRank, MaxRank, ModuleCount, TriggerWords);
    }
}
