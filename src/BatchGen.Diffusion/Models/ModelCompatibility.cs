using BatchGen.Core.Failures;
using BatchGen.Core.Registry;
using BatchGen.Diffusion.Adapters;

namespace BatchGen.Diffusion.Models;

/// <summary>Tells whether an adapter is made for a model's family, from files alone, without native torch.</summary>
public static class ModelCompatibility
{
    /// <summary>Why an adapter does not fit a model, or null when nothing speaks against it.</summary>
    /// <remarks>Decided by the width of the texts that cross-attention reads, which differs between families; the fuse checks every shape.</remarks>
    /// <exception cref="ModelException">The model's files are missing or corrupt.</exception>
    public static string? Misfit(AdapterReport adapter, ModelRecord model)
    {
        ArgumentNullException.ThrowIfNull(adapter);
        ArgumentNullException.ThrowIfNull(model);
        var width = ContextWidth(model);
        if (adapter.ContextWidth > 0 && width > 0)
        {
            return adapter.ContextWidth == width ? null
                : $"The adapter '{adapter.Path}' reads texts of width {adapter.ContextWidth}, but model '{model.Name}' ({model.Family}) makes texts of width {width}: it is for another family.";
        }

        return adapter.Family.Length == 0 || adapter.Family == model.Family ? null
            : $"The adapter '{adapter.Path}' says it is for {adapter.Family}, but model '{model.Name}' is {model.Family}.";
    }

    private static long ContextWidth(ModelRecord model)
    {
        var config = ModelSource.Open(model.Path).Components.First(component => component.Name == "unet").Config;
        return config.IntegerPerBlock("cross_attention_dim", config.Integers("block_out_channels").Length, 1280)[0];
    }
}
