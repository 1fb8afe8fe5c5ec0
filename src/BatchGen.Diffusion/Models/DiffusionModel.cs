using BatchGen.Core.Failures;
using BatchGen.Core.Registry;
using BatchGen.Diffusion.Safetensors;
using BatchGen.Diffusion.Text;
using BatchGen.Diffusion.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace BatchGen.Diffusion.Models;

/// <summary>A model on one device: its weights, the networks that read them, its tokenizers and scheduler settings.</summary>
internal sealed class DiffusionModel : IDisposable
{
    private DiffusionModel(ModelRecord record, ModelWeights weights, IReadOnlyList<TextEncoder> textEncoders, UNetModel unet, AutoencoderKl vae, ConfigFile scheduler, bool zeroesEmptyNegative, Device device)
    {
        Record = record;
        Weights = weights;
        TextEncoders = textEncoders;
        UNet = unet;
        Vae = vae;
        Scheduler = scheduler;
        ZeroesEmptyNegative = zeroesEmptyNegative;
        Device = device;
    }

    /// <summary>Its registry entry.</summary>
    public ModelRecord Record { get; }

    /// <summary>All its parameters.</summary>
    public ModelWeights Weights { get; }

    /// <summary>Its text encoders: one, or two for SDXL.</summary>
    public IReadOnlyList<TextEncoder> TextEncoders { get; }

    public UNetModel UNet { get; }

    public AutoencoderKl Vae { get; }

    /// <summary>Its scheduler_config.json.</summary>
    public ConfigFile Scheduler { get; }

    /// <summary>True when a negative prompt not given stands for zeros (SDXL), not for an empty text.</summary>
    public bool ZeroesEmptyNegative { get; }

    /// <summary>Where the weights are.</summary>
    public Device Device { get; }

    /// <summary>Element type of the UNet's weights.</summary>
    public ScalarType ComputeType => Weights.Find("unet")!.All.Values.First(weight => weight.Base is not null).Base!.dtype;

    /// <summary>Element type of the autoencoder's weights.</summary>
    public ScalarType VaeType => Weights.Find("vae")!.All.Values.First(weight => weight.Base is not null).Base!.dtype;

    /// <summary>Reads a registered model.</summary>
    /// <param name="record">Its registry entry; its files must have been checked against it.</param>
    /// <param name="computeType">Element type to compute in.</param>
    /// <param name="device">Where to.</param>
    /// <param name="cancellationToken">Checked between tensors.</param>
    /// <param name="vocabularyFolder">Where vocab.json and merges.txt lie when not in the model's own tokenizer folders (reference data).</param>
    /// <exception cref="ModelException">A part is missing, corrupt, or does not fit its config.</exception>
    public static DiffusionModel Load(ModelRecord record, ScalarType computeType, Device device, CancellationToken cancellationToken, string? vocabularyFolder = null)
    {
        var folder = ModelFolder.Read(record.Path);
        var loaded = new Dictionary<string, ComponentWeights>(StringComparer.Ordinal);
        try
        {
            using var noGrad = no_grad();
            var configs = folder.Components.ToDictionary(component => component.Name, component => ConfigFile.Read(Path.Combine(record.Path, component.ConfigFile)), StringComparer.Ordinal);
            foreach (var component in folder.Components)
            {
                var type = component.Name == "vae" ? VaeTypeFor(configs["vae"], computeType) : computeType;
                loaded[component.Name] = ReadComponent(record, component, type, device, cancellationToken);
            }

            var encoders = new List<TextEncoder>();
            foreach (var (tokenizer, component) in folder.Tokenizers.Zip(["text_encoder", "text_encoder_2"]))
            {
                var network = new ClipTextModel(configs[component], loaded[component], hasProjection: component == "text_encoder_2");
                encoders.Add(new TextEncoder(ReadTokenizer(record, tokenizer, network, vocabularyFolder), network));
            }

            var unet = new UNetModel(configs["unet"], loaded["unet"]);
            var vae = new AutoencoderKl(configs["vae"], loaded["vae"]);
            CheckTogether(record, unet, vae, encoders);
            foreach (var component in loaded.Values) CheckUntaken(component);
            var scheduler = ConfigFile.Read(Path.Combine(record.Path, "scheduler", "scheduler_config.json"));
            var weights = new ModelWeights(folder.Family, folder.Components.Select(component => loaded[component.Name]).ToArray());
            return new DiffusionModel(record, weights, encoders, unet, vae, scheduler, folder.Index.Flag("force_zeros_for_empty_prompt", folder.Family == "sdxl"), device);
        }
        catch (Exception error)
        {
            foreach (var component in loaded.Values) component.Dispose();
            if (error is SafetensorsException) throw new ModelException($"Model file {error.Message}", error);
            throw;
        }
    }

    public void Dispose() => Weights.Dispose();

    // The published SDXL autoencoder overflows float16; its config says so. Bfloat16 has the range but too few digits for smooth colours.
    private static ScalarType VaeTypeFor(ConfigFile config, ScalarType computeType) =>
        computeType == ScalarType.Float16 && !config.Flag("force_upcast", true) ? ScalarType.Float16 : ScalarType.Float32;

    private static ComponentWeights ReadComponent(ModelRecord record, FolderComponent component, ScalarType type, Device device, CancellationToken cancellationToken)
    {
        var weights = new List<Weight>();
        try
        {
            foreach (var relative in component.WeightFiles)
            {
                using var file = SafetensorsFile.Open(Path.Combine(record.Path, relative));
                foreach (var entry in file.Entries)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    // Positions counted from zero, which older files carry along.
                    if (entry.Name.EndsWith(".position_ids", StringComparison.Ordinal)) continue;
                    if (!entry.Type.IsFloat()) throw new ModelException($"'{file.Path}' holds '{entry.Name}' of type {entry.Type.ToName()}; a {component.Name} has floating-point tensors only.");
                    var name = entry.Name;
                    weights.Add(new Weight(component.Name, name, file.ReadTensor(entry, type, device), new WeightOrigin(relative, () => ReadAgain(record, relative, name, type, device))));
                }
            }

            return new ComponentWeights(component.Name, weights);
        }
        catch (ArgumentException error)
        {
            foreach (var weight in weights) weight.Dispose();
            throw new ModelException($"Two shards of {component.Name} in '{record.Path}' hold the same tensor: {error.Message}", error);
        }
        catch
        {
            foreach (var weight in weights) weight.Dispose();
            throw;
        }
    }

    private static Tensor ReadAgain(ModelRecord record, string relative, string name, ScalarType type, Device device)
    {
        using var file = SafetensorsFile.Open(Path.Combine(record.Path, relative));
        return file.ReadTensor(name, type, device);
    }

    private static ClipTokenizer ReadTokenizer(ModelRecord record, string name, ClipTextModel network, string? vocabularyFolder)
    {
        var path = Path.Combine(record.Path, name);
        var tokenizer = ClipTokenizer.Load(path, File.Exists(Path.Combine(path, "vocab.json")) ? null : vocabularyFolder);
        if (tokenizer.VocabularySize > network.VocabularySize || tokenizer.MaxLength > network.MaxLength)
        {
            throw new ModelException(
                $"The tokenizer in '{path}' makes {tokenizer.VocabularySize} ids and texts of {tokenizer.MaxLength}, but its text encoder takes {network.VocabularySize} and {network.MaxLength}. "
                + "Check that they belong together.");
        }

        return tokenizer;
    }

    private static void CheckTogether(ModelRecord record, UNetModel unet, AutoencoderKl vae, List<TextEncoder> encoders)
    {
        var width = encoders.Sum(encoder => encoder.Network.Width);
        if (width != unet.ContextWidth)
            throw new ModelException($"In '{record.Path}' the UNet reads texts of width {unet.ContextWidth}, but the text encoders make {width}. Its parts come from different models.");
        if (vae.LatentChannels != unet.InputChannels)
            throw new ModelException($"In '{record.Path}' the UNet has {unet.InputChannels} latent channels and the VAE {vae.LatentChannels}. Its parts come from different models.");
        if (unet.PooledWidth > 0 && unet.PooledWidth != encoders[^1].Network.ProjectionWidth)
            throw new ModelException($"In '{record.Path}' the UNet takes pooled texts of width {unet.PooledWidth}, but the second text encoder makes {encoders[^1].Network.ProjectionWidth}.");
    }

    private static void CheckUntaken(ComponentWeights component)
    {
        var untaken = component.Untaken();
        if (untaken.Count == 0) return;
        throw new ModelException(
            $"The {component.Component} weights hold {untaken.Count} tensors that its config.json has no place for, for example '{untaken[0]}'. Check that config and weights belong together.");
    }
}

/// <summary>A text encoder with its tokenizer.</summary>
internal sealed record TextEncoder(ClipTokenizer Tokenizer, ClipTextModel Network);
