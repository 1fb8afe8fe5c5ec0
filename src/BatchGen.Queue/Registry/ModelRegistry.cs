using BatchGen.Core.Registry;

namespace BatchGen.Queue.Registry;

/// <summary>The base models jobs may name.</summary>
public sealed class ModelRegistry(QueueDatabase database)
{
    /// <summary>Registers a model; registering the same content again is harmless.</summary>
    /// <exception cref="QueueException">The name stands for other content and <paramref name="replace"/> is false.</exception>
    public Task AddAsync(ModelRecord model, bool replace, CancellationToken cancellationToken) => throw new NotImplementedException(database.Options.Schema);

    /// <summary>The model with this name (any case), or null.</summary>
    public Task<ModelRecord?> FindAsync(string name, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>All models, by name.</summary>
    public Task<IReadOnlyList<ModelRecord>> ListAsync(CancellationToken cancellationToken) => throw new NotImplementedException();
}
