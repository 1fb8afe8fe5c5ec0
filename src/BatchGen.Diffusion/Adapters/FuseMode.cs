namespace BatchGen.Diffusion.Adapters;

/// <summary>Where fused weights are kept.</summary>
public enum FuseMode
{
    /// <summary>In new tensors beside the base, which is never written to.</summary>
    Overlay,

    /// <summary>In the base tensors' own memory, their bytes saved on the host: for devices without room for a second copy of the touched layers.</summary>
    InPlaceSaved,

    /// <summary>In the base tensors' own memory, their bytes read from the master files again at unload: for hosts without room either.</summary>
    InPlaceMaster,
}
