using System.Buffers.Binary;
using System.Text.Json;

namespace BatchGen.Chaos.Files;

/// <summary>A run's own copy of the demo model and its adapters, which faults damage and repair.</summary>
internal sealed class ModelFiles : IDisposable
{
    // Room for a pattern, which shorter tensors might share by chance.
    private const int LeastTensorBytes = 400;
    private const string Weights = "unet/diffusion_pytorch_model.safetensors";
    private readonly SemaphoreSlim _busy = new(1, 1);
    private readonly TimeProvider _clock;

    private ModelFiles(string folder, TimeProvider clock)
    {
        _clock = clock;
        Model = Path.Combine(folder, "demo");
        Adapters = [.. Directory.EnumerateFiles(Path.Combine(folder, "demo-adapters"), "*.safetensors").Order(StringComparer.Ordinal)];
    }

    /// <summary>Folder of the model.</summary>
    public string Model { get; }

    /// <summary>Files of the adapters.</summary>
    public IReadOnlyList<string> Adapters { get; }

    /// <summary>File of the UNet's weights.</summary>
    public string UNet => Path.Combine(Model, Weights);

    /// <summary>Looks whether there is a model with adapters to copy.</summary>
    /// <exception cref="DirectoryNotFoundException">One of the folders is missing or has no weights.</exception>
    public static void Require(string from)
    {
        foreach (var folder in FoldersOf(from))
        {
            if (Directory.Exists(folder) && Directory.EnumerateFiles(folder, "*.safetensors", SearchOption.AllDirectories).Any()) continue;
            throw new DirectoryNotFoundException($"'{folder}' is missing or has no weights: a chaos run draws with the demo's model and "
                + "adapters. Run it in a checkout of the project.");
        }
    }

    private static string[] FoldersOf(string from) => [Path.Combine(from, "demo"), Path.Combine(from, "demo-adapters")];

    /// <summary>Copies the model and its adapters.</summary>
    /// <param name="from">Folder that holds <c>demo</c> and <c>demo-adapters</c>.</param>
    /// <param name="to">Folder of the copy.</param>
    /// <param name="clock">Clock by which damage lasts.</param>
    public static ModelFiles Copy(string from, string to, TimeProvider clock)
    {
        foreach (var file in FoldersOf(from).SelectMany(folder => Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)))
        {
            var target = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
            File.SetAttributes(target, FileAttributes.Normal);
        }

        return new ModelFiles(to, clock);
    }

    /// <summary>Damages a file for a while, and puts back what it was, its time too.</summary>
    /// <param name="file">The file.</param>
    /// <param name="damage">Damages it.</param>
    /// <param name="meanwhile">What is done once it is damaged.</param>
    /// <param name="time">How long the damage lasts after that.</param>
    public async Task<string> DamageAsync(string file, Action<string> damage, Func<Task> meanwhile, TimeSpan time)
    {
        await _busy.WaitAsync();
        try
        {
            var content = await File.ReadAllBytesAsync(file);
            var written = File.GetLastWriteTimeUtc(file);
            damage(file);
            await meanwhile();
            await Task.Delay(time, _clock);
            await File.WriteAllBytesAsync(file + ".back", content);
            File.SetLastWriteTimeUtc(file + ".back", written);
            File.Move(file + ".back", file, overwrite: true);
            return Path.GetFileName(file);
        }
        finally
        {
            _busy.Release();
        }
    }

    /// <summary>Sixty-four bytes of a tensor of a file, as memory holds them once the file was read: as they are, and as float32.</summary>
    /// <param name="file">The file, in the safetensors format.</param>
    /// <param name="salt">Chooses tensor and place.</param>
    public static IReadOnlyList<byte[]> PatternsOf(string file, int salt)
    {
        var content = File.ReadAllBytes(file);
        var header = (int)BinaryPrimitives.ReadUInt64LittleEndian(content);
        using var json = JsonDocument.Parse(content.AsMemory(8, header));
        var tensors = json.RootElement.EnumerateObject().Where(entry => entry.Name != "__metadata__")
            .Select(entry => (Type: entry.Value.GetProperty("dtype").GetString(),
                Start: entry.Value.GetProperty("data_offsets")[0].GetInt32(), End: entry.Value.GetProperty("data_offsets")[1].GetInt32()))
            .Where(tensor => tensor.End - tensor.Start >= LeastTensorBytes).OrderBy(tensor => tensor.Start).ToArray();
        var (type, start, end) = tensors[salt % tensors.Length];
        var raw = content.AsSpan(8 + header + start + (salt % ((end - start) / 128) * 64), 64).ToArray();
        return type == "F16" ? [raw, AsSingle(raw)] : [raw];
    }

    /// <inheritdoc/>
    public void Dispose() => _busy.Dispose();

    private static byte[] AsSingle(byte[] halves)
    {
        var singles = new byte[halves.Length * 2];
        for (var i = 0; i < halves.Length; i += 2)
            BinaryPrimitives.WriteSingleLittleEndian(singles.AsSpan(i * 2), (float)BinaryPrimitives.ReadHalfLittleEndian(halves.AsSpan(i)));
        return singles;
    }
}
