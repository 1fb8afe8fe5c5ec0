using System.Buffers.Binary;
using System.IO.Hashing;
using BatchGen.Core.Failures;
using BatchGen.Core.Registry;
using BatchGen.Diffusion.Adapters.Deltas;
using BatchGen.Diffusion.Safetensors;
using BatchGen.Diffusion.Weights;
using static TorchSharp.torch;

namespace BatchGen.Diffusion.Adapters;

/// <summary>One module of an adapter, decoded.</summary>
/// <param name="Module">Its keys.</param>
/// <param name="Weight">What it adds to the layer's weight.</param>
/// <param name="Bias">What it adds to the layer's bias.</param>
internal sealed record LoadedModule(AdapterModule Module, ModuleDelta? Weight, ModuleDelta? Bias);

/// <summary>One tensor of a learned word, decoded.</summary>
/// <param name="Key">Its key.</param>
/// <param name="Vectors">[v, D] float32.</param>
internal sealed record LoadedEmbedding(EmbeddingKey Key, Tensor Vectors);

/// <summary>An adapter with all factors decoded to float32 on the host and checked to be finite: what the cache keeps.</summary>
internal sealed class LoadedAdapter : IDisposable
{
    private readonly TensorReading[] _readings;
    private readonly UInt128 _digest;

    private LoadedAdapter(string path, string sha256, IReadOnlyList<LoadedModule> modules, IReadOnlyList<LoadedEmbedding> embeddings,
        IReadOnlyList<string> otherKeys)
    {
        Path = path;
        Sha256 = sha256;
        Modules = modules;
        Embeddings = embeddings;
        OtherKeys = otherKeys;
        SizeBytes = Factors.Sum(factor => factor.numel() * sizeof(float));
        _readings = [.. Factors.Select(factor => new TensorReading(factor))];
        _digest = Digest();
    }

    public string Path { get; }

    public string Sha256 { get; }

    public IReadOnlyList<LoadedModule> Modules { get; }

    /// <summary>Learned words (textual inversions) that the file holds.</summary>
    public IReadOnlyList<LoadedEmbedding> Embeddings { get; }

    /// <summary>Keys of no known form.</summary>
    public IReadOnlyList<string> OtherKeys { get; }

    /// <summary>Host memory the factors take.</summary>
    public long SizeBytes { get; }

    /// <summary>Where the cache keeps it; null outside a cache.</summary>
    public AdapterCache.Slot? Slot { get; set; }

    /// <summary>True when every factor still has the bytes it was decoded to.</summary>
    public bool IsIntact() => Digest() == _digest;

    /// <summary>Every decoded factor, in file order.</summary>
    public IEnumerable<Tensor> Factors => Modules.SelectMany(module => (module.Weight?.Factors ?? []).Concat(module.Bias?.Factors ?? []))
        .Concat(Embeddings.Select(embedding => embedding.Vectors));

    /// <summary>Reads and decodes the file or PEFT folder of a registered adapter.</summary>
    /// <param name="registered">The registry's entry.</param>
    /// <exception cref="AdapterException">Missing, changed, corrupt, or holding numbers that are not finite; it names what this machine
    /// lacks where the file is not what was registered.</exception>
    public static LoadedAdapter Load(AdapterRecord registered)
    {
        var path = registered.Path;
        using var file = AdapterFile.Load(path, registered);
        var modules = new List<LoadedModule>(file.Modules.Count);
        var embeddings = new List<LoadedEmbedding>();
        try
        {
            using var noGrad = no_grad();
            foreach (var module in file.Modules)
            {
                var (weight, bias) = DeltaFactory.Create(file, module);
                modules.Add(new LoadedModule(module, weight, bias));
            }

            foreach (var key in file.Embeddings) embeddings.Add(new LoadedEmbedding(key, ReadVectors(file, key)));
            return new LoadedAdapter(path, file.Sha256, modules, embeddings, file.UnknownKeys);
        }
        catch
        {
            foreach (var module in modules) Release(module);
            foreach (var embedding in embeddings) embedding.Vectors.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        foreach (var module in Modules) Release(module);
        foreach (var embedding in Embeddings) embedding.Vectors.Dispose();
    }

    private static Tensor ReadVectors(AdapterFile file, EmbeddingKey key)
    {
        using var scope = NewDisposeScope();
        var vectors = file.Tensors.ReadTensor(key.Entry, ScalarType.Float32).view(-1, key.Width);
        if (!vectors.isfinite().all().item<bool>())
            throw new AdapterException(
                $"'{file.Path}' holds numbers that are not finite in '{key.Entry.Name}'. It is damaged; get it again.");
        return vectors.DetachFromDisposeScope();
    }

    private UInt128 Digest()
    {
        var all = new XxHash128();
        var one = new XxHash128();
        Span<byte> bytes = stackalloc byte[16];
        foreach (var reading in _readings)
        {
            BinaryPrimitives.WriteUInt128LittleEndian(bytes, reading.Hash(one));
            all.Append(bytes);
        }

        return all.GetCurrentHashAsUInt128();
    }

    private static void Release(LoadedModule module)
    {
        module.Weight?.Dispose();
        module.Bias?.Dispose();
    }
}
