using BatchGen.Core.Texts;

namespace BatchGen.Diffusion.Safetensors;

/// <summary>A file is not the safetensors file it should be. Callers turn it into a model or an adapter failure.</summary>
/// <param name="path">The file.</param>
/// <param name="reason">What is wrong and what to do, as a sentence that can follow the file's name.</param>
/// <param name="inner">What the system said, if it did.</param>
internal sealed class SafetensorsException(string path, string reason, Exception? inner = null)
    : Exception(ShortText.Of($"'{path}': {reason}"), inner)
{
    public string Path { get; } = path;

    public string Reason { get; } = reason;

    /// <summary>True when the bytes could not be had: the file is missing, may not be read, or was cut off while it was read. False when
    /// what was read is wrong.</summary>
    public bool IsUnreadable { get; init; }
}
