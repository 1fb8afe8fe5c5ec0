using BatchGen.Diffusion.Families;
using BatchGen.Diffusion.Safetensors;
using BatchGen.Diffusion.Weights;
using static TorchSharp.torch;

namespace BatchGen.ReferenceCheck;

/// <summary>The tensors of a model folder without the networks around them: enough to fuse into.</summary>
internal static class BareWeights
{
    /// <summary>Reads every component folder there is.</summary>
    public static ModelWeights Load(string modelFolder, FamilyRendering family, ScalarType type)
    {
        var components = new List<ComponentWeights>();
        foreach (var component in family.Networks.Where(network => network.Role != NetworkRole.Autoencoder).Select(network => network.Name)
            .Order(StringComparer.Ordinal))
        {
            var folder = Path.Combine(modelFolder, component);
            if (!Directory.Exists(folder)) continue;
            var path = Directory.EnumerateFiles(folder, "*.safetensors").Order(StringComparer.Ordinal).First();
            components.Add(Read(component, path, type));
        }

        return new ModelWeights(family, components);
    }

    private static ComponentWeights Read(string component, string path, ScalarType type)
    {
        using var file = SafetensorsFile.Open(path);
        var relative = component + "/" + Path.GetFileName(path);
        var weights = new List<Weight>();
        foreach (var entry in file.Entries.Where(entry => entry.Type.IsFloat()))
        {
            weights.Add(new Weight(
                component, entry.Name, file.ReadTensor(entry, type), new WeightOrigin(relative, () => Again(path, entry.Name, type))));
        }

        var made = new ComponentWeights(component, weights);
        // Layers offer a place for the bias they lack; here every matrix does.
        foreach (var weight in weights.Where(weight => weight.Key.EndsWith(".weight", StringComparison.Ordinal) && weight.Base!.dim() > 1))
        {
            var bias = weight.Key[..^"weight".Length] + "bias";
            if (!made.Has(bias)) made.TakeAbsent(bias);
        }

        return made;
    }

    private static Tensor Again(string path, string name, ScalarType type)
    {
        using var file = SafetensorsFile.Open(path);
        return file.ReadTensor(name, type);
    }
}
