namespace BatchGen.Diffusion.Safetensors;

/// <summary>Element types of the format whose elements fill whole bytes.</summary>
internal enum SafetensorsType
{
    Bool,
    U8,
    I8,
    F8E4M3,
    F8E5M2,
    I16,
    U16,
    F16,
    BF16,
    I32,
    U32,
    F32,
    I64,
    U64,
    F64,
}

/// <summary>Names and sizes of <see cref="SafetensorsType"/>.</summary>
internal static class SafetensorsTypes
{
    private static readonly Dictionary<string, SafetensorsType> ByName = new(StringComparer.Ordinal)
    {
        ["BOOL"] = SafetensorsType.Bool,
        ["U8"] = SafetensorsType.U8,
        ["I8"] = SafetensorsType.I8,
        ["F8_E4M3"] = SafetensorsType.F8E4M3,
        ["F8_E5M2"] = SafetensorsType.F8E5M2,
        ["I16"] = SafetensorsType.I16,
        ["U16"] = SafetensorsType.U16,
        ["F16"] = SafetensorsType.F16,
        ["BF16"] = SafetensorsType.BF16,
        ["I32"] = SafetensorsType.I32,
        ["U32"] = SafetensorsType.U32,
        ["F32"] = SafetensorsType.F32,
        ["I64"] = SafetensorsType.I64,
        ["U64"] = SafetensorsType.U64,
        ["F64"] = SafetensorsType.F64,
    };

    /// <summary>Every name the format's header may hold here, for messages.</summary>
    public static string AllNames { get; } = string.Join(", ", ByName.Keys);

    public static bool TryParse(string name, out SafetensorsType type) => ByName.TryGetValue(name, out type);

    /// <summary>The name as headers spell it.</summary>
    public static string ToName(this SafetensorsType type) => ByName.First(pair => pair.Value == type).Key;

    /// <summary>Bytes of one element.</summary>
    public static int SizeBytes(this SafetensorsType type) => type switch
    {
        SafetensorsType.Bool or SafetensorsType.U8 or SafetensorsType.I8 or SafetensorsType.F8E4M3 or SafetensorsType.F8E5M2 => 1,
        SafetensorsType.I16 or SafetensorsType.U16 or SafetensorsType.F16 or SafetensorsType.BF16 => 2,
        SafetensorsType.I32 or SafetensorsType.U32 or SafetensorsType.F32 => 4,
        SafetensorsType.I64 or SafetensorsType.U64 or SafetensorsType.F64 => 8,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "unknown element type"),
    };

    /// <summary>True for the types that hold real numbers.</summary>
    public static bool IsFloat(this SafetensorsType type) => type
        is SafetensorsType.F16 or SafetensorsType.BF16 or SafetensorsType.F32 or SafetensorsType.F64
        or SafetensorsType.F8E4M3 or SafetensorsType.F8E5M2;
}
