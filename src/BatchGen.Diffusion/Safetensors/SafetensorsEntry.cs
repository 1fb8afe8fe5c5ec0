namespace BatchGen.Diffusion.Safetensors;

/// <summary>One tensor of a file, as its header describes it.</summary>
/// <param name="Name">The key.</param>
/// <param name="Type">Element type.</param>
/// <param name="Shape">Sizes; empty for a scalar.</param>
/// <param name="Offset">First byte, counted from the start of the file.</param>
/// <param name="LengthBytes">Bytes of the tensor; 0 is legal.</param>
internal sealed record SafetensorsEntry(string Name, SafetensorsType Type, long[] Shape, long Offset, long LengthBytes)
{
    /// <summary>Number of elements.</summary>
    public long Count => LengthBytes / Type.SizeBytes();

    /// <summary>The shape as messages show it.</summary>
    public string ShapeText => "[" + string.Join(", ", Shape) + "]";
}
