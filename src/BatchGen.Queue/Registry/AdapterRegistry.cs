using BatchGen.Core.Registry;

namespace BatchGen.Queue.Registry;

/// <summary>The adapters jobs may name.</summary>
public sealed class AdapterRegistry(QueueDatabase database)
{
    /// <summary>Registers an adapter; registering the same content again is harmless.</summary>
    /// <exception cref="QueueException">The name stands for other content and <paramref name="replace"/> is false.</exception>
    public Task AddAsync(AdapterRecord adapter, bool replace, CancellationToken cancellationToken) => throw new NotImplementedException(database.Options.Schema);

    /// <summary>The adapters with these names, in no order; a name that is not registered is missing from the result.</summary>
    public Task<IReadOnlyList<AdapterRecord>> FindAsync(IReadOnlyList<string> names, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>All adapters, by name.</summary>
    public Task<IReadOnlyList<AdapterRecord>> ListAsync(CancellationToken cancellationToken) => throw new NotImplementedException();
}
