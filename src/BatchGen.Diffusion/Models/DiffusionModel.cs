using System.Text.Json.Nodes;
using BatchGen.Core.Failures;
using BatchGen.Core.Registry;
using BatchGen.Diffusion.Families;
using BatchGen.Diffusion.Safetensors;
using BatchGen.Diffusion.Text;
using BatchGen.Diffusion.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace BatchGen.Diffusion.Models;

/// <summary>A model on one device: its weights, the networks that read them, its tokenizers and scheduler settings.</summary>
internal sealed class DiffusionModel : IDisposable
{
    private DiffusionModel(
        ModelRecord record, ModelWeights weights, IReadOnlyList<TextEncoder> textEncoders, UNetModel unet, AutoencoderKl vae,
        ConfigFile scheduler, bool zeroesAbsentNegative, Device device)
    {
        Record = record;
        Weights = weights;
        TextEncoders = textEncoders;
        UNet = unet;
        Vae = vae;
        Scheduler = scheduler;
        ZeroesAbsentNegative = zeroesAbsentNegative;
        Device = device;
    }

    /// <summary>The registry entry of the model.</summary>
    public ModelRecord Record { get; }

    /// <summary>What rendering knows of its family.</summary>
    public FamilyRendering Family => Weights.Family;

    /// <summary>All parameters of the model.</summary>
    public ModelWeights Weights { get; }

    /// <summary>Its text encoders, in the order of its family.</summary>
    public IReadOnlyList<TextEncoder> TextEncoders { get; }

    public UNetModel UNet { get; }

    public AutoencoderKl Vae { get; }

    /// <summary>Settings of its noise schedule (scheduler_config.json).</summary>
    public ConfigFile Scheduler { get; }

    /// <summary>True when a negative prompt that was not given stands for zeros, false when it stands for an empty text.</summary>
    public bool ZeroesAbsentNegative { get; }

    /// <summary>Where the weights are.</summary>
    public Device Device { get; }

    /// <summary>Element type of the UNet's weights.</summary>
    public ScalarType ComputeType => Weights.Find(Family.Denoiser.Name)!.All.Values.First(weight => weight.Base is not null).Base!.dtype;

    /// <summary>Element type of the autoencoder's weights.</summary>
    public ScalarType VaeType => Weights.Find(Family.Autoencoder.Name)!.All.Values.First(weight => weight.Base is not null).Base!.dtype;

    /// <summary>Reads a registered model.</summary>
    /// <param name="record">Its registry entry; its files must have been checked against it.</param>
    /// <param name="computeType">Element type to compute in.</param>
    /// <param name="device">Where to.</param>
    /// <param name="cancellationToken">Checked between tensors.</param>
    /// <param name="vocabularyFolder">Where vocab.json and merges.txt lie when not in the model's own tokenizer folders (reference
    /// data).</param>
    /// <exception cref="ModelException">A part is missing, corrupt, or does not fit its config.</exception>
    public static DiffusionModel Load(
        ModelRecord record, ScalarType computeType, Device device, CancellationToken cancellationToken, string? vocabularyFolder = null)
    {
        var source = ModelSource.Open(record.Path, vocabularyFolder);
        var family = source.Family;
        var loaded = new Dictionary<string, ComponentWeights>(StringComparer.Ordinal);
        try
        {
            using var noGrad = no_grad();
            var configs = source.Components.ToDictionary(
                component => component.Name, component => component.Config, StringComparer.Ordinal);
            foreach (var component in source.Components)
            {
                var type = component.Name == family.Autoencoder.Name ? VaeTypeFor(component.Config, computeType) : computeType;
                loaded[component.Name] = ReadComponent(record, component, type, device, cancellationToken);
            }

            object Make(FamilyNetwork network) => network.Make(configs[network.Name], loaded[network.Name]);
            var encoders = new List<TextEncoder>();
            foreach (var (makeTokenizer, encoder) in source.Tokenizers.Zip(family.TextEncoders))
            {
                var network = (ClipTextModel)Make(encoder);
                var tokenizer = makeTokenizer();
                CheckTokenizer(record, tokenizer, network);
                encoders.Add(new TextEncoder(tokenizer, network));
            }

            var unet = (UNetModel)Make(family.Denoiser);
            var vae = (AutoencoderKl)Make(family.Autoencoder);
            CheckTogether(record, unet, vae, encoders);
            foreach (var component in loaded.Values) CheckUntaken(component);
            var weights = new ModelWeights(family, source.Components.Select(component => loaded[component.Name]).ToArray());
            var scheduler = record.Prediction is { } said
                ? source.Scheduler.With(new JsonObject { ["prediction_type"] = said }.ToJsonString())
                : source.Scheduler;
            return new DiffusionModel(record, weights, encoders, unet, vae, scheduler, source.ZeroesAbsentNegative, device);
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

    private static ComponentWeights ReadComponent(
        ModelRecord record, SourceComponent component, ScalarType type, Device device, CancellationToken cancellationToken)
    {
        var weights = new List<Weight>();
        try
        {
            foreach (var group in component.Tensors.GroupBy(tensor => tensor.File))
            {
                // Read tensor by tensor: the file never stands in this process's memory beside the tensors made of it.
                using var file = SafetensorsFile.Open(ModelSource.PathOf(record.Path, group.Key));
                foreach (var tensor in group)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    weights.Add(new Weight(component.Name, tensor.Key, tensor.Read(file, type, device),
                        new WeightOrigin(tensor.File, () => ReadAgain(record, tensor, type, device))));
                }
            }

            return new ComponentWeights(component.Name, weights);
        }
        catch (ArgumentException error)
        {
            foreach (var weight in weights) weight.Dispose();
            throw new ModelException($"Two files of {component.Name} in '{record.Path}' hold the same tensor: {error.Message}", error);
        }
        catch
        {
            foreach (var weight in weights) weight.Dispose();
            throw;
        }
    }

    private static Tensor ReadAgain(ModelRecord record, SourceTensor tensor, ScalarType type, Device device)
    {
        using var file = SafetensorsFile.Open(ModelSource.PathOf(record.Path, tensor.File));
        return tensor.Read(file, type, device);
    }

    private static void CheckTokenizer(ModelRecord record, ClipTokenizer tokenizer, ClipTextModel network)
    {
        if (tokenizer.VocabularySize <= network.VocabularySize && tokenizer.MaxLength <= network.MaxLength) return;
        throw new ModelException(
            $"A tokenizer of '{record.Path}' makes {tokenizer.VocabularySize} ids and texts of {tokenizer.MaxLength}, "
                + $"but its text encoder takes {network.VocabularySize} and {network.MaxLength}. "
            + "Check that they belong together.");
    }

    private static void CheckTogether(ModelRecord record, UNetModel unet, AutoencoderKl vae, List<TextEncoder> encoders)
    {
        var width = encoders.Sum(encoder => encoder.Network.Width);
        if (width != unet.ContextWidth)
            throw new ModelException($"In '{record.Path}' the UNet reads texts of width {unet.ContextWidth}, but the text encoders make "
                + $"{width}. Its parts come from different models.");
        if (vae.LatentChannels != unet.InputChannels)
            throw new ModelException($"In '{record.Path}' the UNet has {unet.InputChannels} latent channels and the VAE "
                + $"{vae.LatentChannels}. Its parts come from different models.");
        if (unet.PooledWidth > 0 && unet.PooledWidth != encoders[^1].Network.ProjectionWidth)
            throw new ModelException($"In '{record.Path}' the UNet takes pooled texts of width {unet.PooledWidth}, "
                + $"but the second text encoder makes {encoders[^1].Network.ProjectionWidth}.");
    }

    private static void CheckUntaken(ComponentWeights component)
    {
        var untaken = component.Untaken();
        if (untaken.Count == 0) return;
        throw new ModelException(
            $"The {component.Component} weights hold {untaken.Count} tensors that its config.json has no place for, "
                + $"for example '{untaken[0]}'. Check that config and weights belong together.");
    }
}

/// <summary>A text encoder with its tokenizer.</summary>
internal sealed record TextEncoder(ClipTokenizer Tokenizer, ClipTextModel Network);
