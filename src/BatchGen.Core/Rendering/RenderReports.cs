namespace BatchGen.Core.Rendering;

/// <summary>The device a renderer owns.</summary>
/// <param name="Name">For example <c>cpu</c> or <c>cuda:0</c>.</param>
/// <param name="Description">Its name for people, for example the processor's name.</param>
/// <param name="ComputeType">Element type it computes in: <c>float32</c>, <c>float16</c> or <c>bfloat16</c>.</param>
public sealed record DeviceInfo(string Name, string Description, string ComputeType)
{
    /// <summary>Name of the processor or graphics card, as recipes record it; null where it is not known.</summary>
    public string? Processor { get; init; }

    /// <summary>Version of torch; null where it is not known.</summary>
    public string? Torch { get; init; }

    /// <summary>Threads that torch computes with; null where it is not known.</summary>
    public int? Threads { get; init; }
}

/// <summary>The result of loading a model.</summary>
/// <param name="Tensors">Number of base tensors.</param>
/// <param name="SizeBytes">Bytes they hold on the device.</param>
/// <param name="BaselineDigest">Digest every later checksum is compared with, lower-case hex.</param>
/// <param name="ElapsedMs">Milliseconds taken; 0 when the model was already there.</param>
public sealed record ModelLoadReport(int Tensors, long SizeBytes, string BaselineDigest, double ElapsedMs);

/// <summary>The result of fusing adapters.</summary>
/// <param name="Adapters">Adapters fused.</param>
/// <param name="Tensors">Weights that the adapters changed.</param>
/// <param name="SizeBytes">Bytes of the fused weights.</param>
/// <param name="UnmatchedKeys">Keys of the adapter files that fit nothing in the model.</param>
/// <param name="ElapsedMs">Milliseconds taken.</param>
public sealed record FuseReport(int Adapters, int Tensors, long SizeBytes, IReadOnlyList<string> UnmatchedKeys, double ElapsedMs);

/// <summary>A finished image.</summary>
/// <param name="JobId">The job it belongs to.</param>
/// <param name="WidthPixels">Width of the image.</param>
/// <param name="HeightPixels">Height of the image.</param>
/// <param name="Rgb">8-bit RGB, rows from top, <c>HeightPixels * WidthPixels * 3</c> bytes.</param>
public sealed record RenderedImage(long JobId, int WidthPixels, int HeightPixels, byte[] Rgb);

/// <summary>Use of the host cache of decoded adapters since the renderer was made.</summary>
/// <param name="Hits">Adapters that were there when they were asked for.</param>
/// <param name="Misses">Adapters that had to be read from their file.</param>
/// <param name="SizeBytes">Bytes held now.</param>
public readonly record struct AdapterCacheUse(long Hits, long Misses, long SizeBytes)
{
    /// <summary>Share of hits, from 0 to 1; null while nothing was asked for.</summary>
    public double? HitRate => Hits + Misses == 0 ? null : (double)Hits / (Hits + Misses);
}

/// <summary>The progress of a tensor batch.</summary>
/// <param name="Step">Denoising steps done.</param>
/// <param name="Steps">Denoising steps in all.</param>
public readonly record struct StepProgress(int Step, int Steps);

/// <summary>The result of checksumming the base weights.</summary>
/// <param name="Passed">True when every tensor has its baseline digest.</param>
/// <param name="ExpectedDigest">Combined baseline digest, lower-case hex.</param>
/// <param name="ActualDigest">Combined digest found, lower-case hex.</param>
/// <param name="Tensors">Tensors checked.</param>
/// <param name="SizeBytes">Bytes checked.</param>
/// <param name="DriftedTensors">Names of tensors that differ, as <c>component/key</c>; empty when passed.</param>
/// <param name="ElapsedMs">Milliseconds taken.</param>
public sealed record WeightCheck(
    bool Passed,
    string ExpectedDigest,
    string ActualDigest,
    int Tensors,
    long SizeBytes,
    IReadOnlyList<string> DriftedTensors,
    double ElapsedMs);

/// <summary>The result of reloading tensors from the master.</summary>
/// <param name="Tensors">Tensors copied again.</param>
/// <param name="SizeBytes">Bytes copied.</param>
/// <param name="ElapsedMs">Milliseconds taken.</param>
public sealed record ReloadReport(int Tensors, long SizeBytes, double ElapsedMs);
