using BatchGen.Diffusion.Models;
using BatchGen.Diffusion.Weights;

namespace BatchGen.Diffusion.Families;

/// <summary>What a network does in a model.</summary>
internal enum NetworkRole
{
    /// <summary>Predicts the noise in latents.</summary>
    Denoiser,

    /// <summary>Turns images into latents and back.</summary>
    Autoencoder,

    /// <summary>Turns prompts into what the denoiser reads.</summary>
    TextEncoder,
}

/// <summary>One network that models of a family are made of.</summary>
/// <param name="Name">Its component, which is its folder in the diffusers layout, for example <c>unet</c>.</param>
/// <param name="Role">What it does.</param>
/// <param name="Library">The Python library whose class it is, as model_index.json names it.</param>
/// <param name="ClassName">That class.</param>
/// <param name="FileStem">Name of its weights file without ending.</param>
/// <param name="Make">Builds it from settings and weights.</param>
internal sealed record FamilyNetwork(
    string Name, NetworkRole Role, string Library, string ClassName, string FileStem, Func<ConfigFile, ComponentWeights, object> Make)
{
    /// <summary>What a network with these settings asks for: its keys and shapes. Needs no native torch.</summary>
    /// <param name="config">Its settings.</param>
    /// <param name="present">Keys that its files hold, for networks that look before they take; null when nothing is known of
    /// files.</param>
    public IReadOnlyList<(string Key, long[] Shape)> Shapes(ConfigFile config, IEnumerable<string>? present = null)
    {
        var recorder = ComponentWeights.Recorder(Name);
        foreach (var key in present ?? []) recorder.Announce(key);
        _ = Make(config, recorder);
        return recorder.Recorded;
    }
}
