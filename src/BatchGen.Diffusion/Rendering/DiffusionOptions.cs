using System.ComponentModel.DataAnnotations;
using BatchGen.Diffusion.Adapters;

namespace BatchGen.Diffusion.Rendering;

/// <summary>Settings of the renderer (section <c>BatchGen:Diffusion</c>).</summary>
public sealed class DiffusionOptions
{
    /// <summary>The device to compute on.</summary>
    /// <value><c>auto</c> (CUDA where there is one, else the CPU), <c>cpu</c>, <c>cuda</c> or <c>cuda:N</c>; default <c>auto</c>.</value>
    [Required]
    [RegularExpression("auto|cpu|cuda(:[0-9]{1,2})?", ErrorMessage = "Device must be auto, cpu, cuda or cuda:N.")]
    public string Device { get; set; } = "auto";

    /// <summary>Element type to compute in. Float16 is refused on a CPU, where it is some 300 times slower than float32.</summary>
    /// <value>
    /// <c>auto</c> (float16 on CUDA, float32 on the CPU), <c>float32</c>, <c>bfloat16</c> or <c>float16</c>; default <c>auto</c>.
    /// </value>
    [Required]
    [RegularExpression("auto|float32|bfloat16|float16", ErrorMessage = "ComputeType must be auto, float32, bfloat16 or float16.")]
    public string ComputeType { get; set; } = "auto";

    /// <summary>Where fused weights are kept.</summary>
    /// <value>
    /// <c>overlay</c> (new tensors beside the base), <c>in-place</c> (over the base, whose bytes are saved on the host and put back at
    /// unload), <c>in-place-master</c> (over the base, whose bytes are read from the master files again at unload), or <c>auto</c>:
    /// overlay, and in place once the device had no room for one. Default <c>auto</c>.
    /// </value>
    public FuseMode FuseMode { get; set; } = FuseMode.Auto;

    /// <summary>Whether fused tensors are checksummed too, at fuse and before they are dropped.</summary>
    /// <value>Default true; costs reading them once more a switch.</value>
    public bool ChecksumFused { get; set; } = true;

    /// <summary>Host memory for decoded adapter files, least recently used first to go.</summary>
    /// <value>Bytes; default 2 GiB.</value>
    [Range(0, long.MaxValue)]
    public long AdapterCacheBytes { get; set; } = 2L << 30;

    /// <summary>Memory of dropped overlays kept for the next fuse (CPU only; CUDA keeps its own).</summary>
    /// <value>Bytes; default 1 GiB.</value>
    [Range(0, long.MaxValue)]
    public long OverlayBufferBytes { get; set; } = 1L << 30;

    /// <summary>Memory for encoded prompts, least recently used first to go.</summary>
    /// <value>Bytes; default 64 MiB.</value>
    [Range(0, long.MaxValue)]
    public long PromptCacheBytes { get; set; } = 64L << 20;

    /// <summary>Threads that checksum the weights.</summary>
    /// <value>Threads; default 1, which leaves the other cores to writing images.</value>
    [Range(1, 256)]
    public int ChecksumThreads { get; set; } = 1;
}
