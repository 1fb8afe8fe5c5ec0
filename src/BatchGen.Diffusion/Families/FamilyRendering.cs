using System.Text.Json.Nodes;
using BatchGen.Core.Failures;
using BatchGen.Core.Families;
using BatchGen.Diffusion.Adapters;
using BatchGen.Diffusion.Models;

namespace BatchGen.Diffusion.Families;

/// <summary>
/// What rendering knows of one family of models: how its files are recognised, its networks, text encoding, latents, noise schedule and
/// adapter names.
/// </summary>
/// <remarks>
/// Code outside of <c>Families</c> asks these members and compares no names. A new family is a folder here and one in
/// <c>BatchGen.Core/Families</c>; networks that several families share stand once in <c>Models</c>.
/// </remarks>
internal abstract class FamilyRendering
{
    /// <summary>What the rest of the program knows of the family.</summary>
    public abstract ModelFamily Facts { get; }

    /// <summary>Pipeline class that diffusers writes into model_index.json for this family.</summary>
    public abstract string Pipeline { get; }

    /// <summary>
    /// Every pipeline class whose folders may hold a model of this family; families that share one recognise their models by
    /// <see cref="Owns(ConfigFile)"/>.
    /// </summary>
    public abstract IReadOnlyList<string> Pipelines { get; }

    /// <summary>The networks of a model: the denoiser first, then the autoencoder, then the text encoders in order.</summary>
    public abstract IReadOnlyList<FamilyNetwork> Networks { get; }

    /// <summary>The tokenizers, one for each text encoder, in the same order.</summary>
    public abstract IReadOnlyList<FamilyTokenizer> Tokenizers { get; }

    /// <summary>How the states of the text encoders become what the denoiser reads.</summary>
    public abstract TextReading Text { get; }

    /// <summary>How adapter files name the layers of this family's networks.</summary>
    public abstract AdapterNaming Adapters { get; }

    /// <summary>
    /// True when a negative prompt that was not given stands for zeros, false when it stands for an empty text; a model's own index may say
    /// otherwise.
    /// </summary>
    public abstract bool ZeroesAbsentNegative { get; }

    /// <summary>The network that predicts the noise.</summary>
    public FamilyNetwork Denoiser => Networks.First(network => network.Role == NetworkRole.Denoiser);

    /// <summary>The network between images and latents.</summary>
    public FamilyNetwork Autoencoder => Networks.First(network => network.Role == NetworkRole.Autoencoder);

    /// <summary>The text encoders, in order.</summary>
    public IEnumerable<FamilyNetwork> TextEncoders => Networks.Where(network => network.Role == NetworkRole.TextEncoder);

    /// <summary>The network of a component.</summary>
    /// <exception cref="InvalidOperationException">The family has no such component.</exception>
    public FamilyNetwork Network(string component) => Networks.FirstOrDefault(network => network.Name == component)
        ?? throw new InvalidOperationException($"Models of family {Facts.Code} have no component '{component}'.");

    /// <summary>True for the component that is the denoiser.</summary>
    public bool IsDenoiser(string component) => component == Denoiser.Name;

    /// <summary>True for components that read prompts.</summary>
    public bool IsTextEncoder(string component) => TextEncoders.Any(network => network.Name == component);

    /// <summary>True when a denoiser with these settings belongs to this family.</summary>
    /// <param name="denoiser">Its config.json, of a folder whose pipeline is one of <see cref="Pipelines"/>.</param>
    public abstract bool Owns(ConfigFile denoiser);

    /// <summary>True when a single-file checkpoint is of this family.</summary>
    public abstract bool Owns(CheckpointFile checkpoint);

    /// <summary>
    /// Why a single-file checkpoint that looks like one of this family cannot be used, or null where it can be or is of another kind.
    /// </summary>
    public abstract string? ReasonToRefuse(CheckpointFile checkpoint);

    /// <summary>Finds every tensor of a single-file checkpoint of this family.</summary>
    /// <exception cref="ModelException">A tensor is missing, or one is there that the networks have no place for.</exception>
    public abstract ModelSource Read(CheckpointFile checkpoint);

    /// <summary>The sizes that the denoiser reads beside the prompt, or null for families whose denoiser reads none.</summary>
    /// <param name="heightPixels">Height of the image.</param>
    /// <param name="widthPixels">Width of the image.</param>
    public abstract float[]? SizeConditions(int heightPixels, int widthPixels);

    /// <summary>The settings of the published model by component, among them <c>scheduler</c>, for models with random weights.</summary>
    public abstract Dictionary<string, JsonObject> PublishedConfigs();

    /// <summary>What model_index.json of such a model says beside its components.</summary>
    public abstract JsonObject PublishedIndex();
}

/// <summary>How the states of the text encoders become what the denoiser reads.</summary>
/// <param name="LayersLeftOut">Layers at the end whose work is left out, before a job's own <c>clip_skip</c>.</param>
/// <param name="UsesFinalNorm">True when the final normalisation follows the last layer that is used.</param>
internal sealed record TextReading(int LayersLeftOut, bool UsesFinalNorm);

/// <summary>One tokenizer of a family's models.</summary>
/// <param name="Folder">Its folder in the diffusers layout.</param>
/// <param name="PadsWithZero">True when texts are filled up with the id 0, false when with the end token.</param>
internal sealed record FamilyTokenizer(string Folder, bool PadsWithZero);
