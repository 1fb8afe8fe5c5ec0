using System.Text.Json;
using BatchGen.Core.Registry;
using NpgsqlTypes;
using static BatchGen.Queue.QueueDatabase;

namespace BatchGen.Queue.Registry;

/// <summary>The base models jobs may name.</summary>
public sealed class ModelRegistry(QueueDatabase database)
{
    /// <summary>Registers a model; registering the same content again is harmless.</summary>
    /// <exception cref="QueueException">The name stands for other content and <paramref name="replace"/> is false.</exception>
    public async Task AddAsync(ModelRecord model, bool replace, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(model);
        RegistryNames.Check(model.Name, "model");
        var registered = (await database.ListAsync<RegisteredContent>("upsert_model",
        [
            Parameter("name", NpgsqlDbType.Text, model.Name),
            Parameter("path", NpgsqlDbType.Text, model.Path),
            Parameter("family", NpgsqlDbType.Text, model.Family),
            Parameter("sha256", NpgsqlDbType.Text, model.Sha256),
            Parameter("native_width", NpgsqlDbType.Integer, model.NativeWidthPixels),
            Parameter("native_height", NpgsqlDbType.Integer, model.NativeHeightPixels),
            Parameter("prediction", NpgsqlDbType.Text, model.Prediction),
            Parameter("files", NpgsqlDbType.Jsonb, JsonSerializer.Serialize(model.Files)),
            Parameter("replace", NpgsqlDbType.Boolean, replace),
        ], cancellationToken)).Single();
        registered.ThrowUnlessSha256Is(model.Sha256, "Model");
    }

    /// <summary>The model with this name (any case), or null.</summary>
    public async Task<ModelRecord?> FindAsync(string name, CancellationToken cancellationToken) =>
        (await database.QueryAsync<ModelRow>("find_model", new { name }, cancellationToken)).SingleOrDefault()?.ToRecord();

    /// <summary>All models, by name.</summary>
    public async Task<IReadOnlyList<ModelRecord>> ListAsync(CancellationToken cancellationToken) =>
        (await database.QueryAsync<ModelRow>("list_models", null, cancellationToken)).ConvertAll(row => row.ToRecord());

    /// <summary>Pauses or resumes a model; jobs of a paused model are not claimed.</summary>
    /// <returns>False when there is no such model.</returns>
    public async Task<bool> PauseAsync(string name, bool paused, CancellationToken cancellationToken) =>
        (await database.QueryAsync<string>("pause_model", new { name, paused }, cancellationToken)).Count > 0;

    private sealed class ModelRow
    {
        public string Name { get; set; } = "";

        public string Path { get; set; } = "";

        public string Family { get; set; } = "";

        public string Sha256 { get; set; } = "";

        public int NativeWidth { get; set; }

        public int NativeHeight { get; set; }

        public string Files { get; set; } = "";

        public string? Prediction { get; set; }

        public ModelRecord ToRecord() =>
            new(Name, Path, Family, Sha256, JsonSerializer.Deserialize<MasterFile[]>(Files) ?? [], NativeWidth, NativeHeight, Prediction);
    }
}
