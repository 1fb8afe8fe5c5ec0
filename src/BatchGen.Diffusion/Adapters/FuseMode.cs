using System.ComponentModel;
using System.Globalization;

namespace BatchGen.Diffusion.Adapters;

/// <summary>Where fused weights are kept.</summary>
/// <remarks>
/// In every mode the base is never lost: the base tensors are left alone (overlay), or the bytes that fusing writes over were saved before
/// or can be read from the master files again, and unloading puts exactly those bytes back. The checksum after every batch checks this.
/// Settings spell the values as <see cref="FuseModes.ToCode"/> does.
/// </remarks>
[TypeConverter(typeof(FuseModeConverter))]
public enum FuseMode
{
    /// <summary>As <see cref="Overlay"/>, and as <see cref="InPlace"/> once the device had no room for an overlay.</summary>
    Auto,

    /// <summary>In new tensors beside the base.</summary>
    Overlay,

    /// <summary>
    /// In the base tensors' own memory, their bytes saved on the host: for devices without room for a second copy of the touched layers.
    /// </summary>
    InPlace,

    /// <summary>
    /// In the base tensors' own memory, their bytes read from the master files again at unload: for hosts without room for saved bytes.
    /// </summary>
    InPlaceMaster,
}

/// <summary>The names of <see cref="FuseMode"/> in settings.</summary>
public static class FuseModes
{
    /// <summary>The name settings use: <c>auto</c>, <c>overlay</c>, <c>in-place</c>, <c>in-place-master</c>.</summary>
    public static string ToCode(this FuseMode mode) => mode switch
    {
        FuseMode.Auto => "auto",
        FuseMode.Overlay => "overlay",
        FuseMode.InPlace => "in-place",
        FuseMode.InPlaceMaster => "in-place-master",
        _ => throw new ArgumentOutOfRangeException(nameof(mode), mode, "unknown fuse mode"),
    };

    /// <summary>Reads the name settings use, in any case.</summary>
    /// <exception cref="FormatException">No mode has this name.</exception>
    public static FuseMode Parse(string code)
    {
        foreach (var mode in Enum.GetValues<FuseMode>())
        {
            if (mode.ToCode().Equals(code, StringComparison.OrdinalIgnoreCase)) return mode;
        }

        throw new FormatException($"Fuse mode '{code}' is not known; use {string.Join(", ", Enum.GetValues<FuseMode>().Select(ToCode))}.");
    }
}

/// <summary>Lets settings spell fuse modes by their names.</summary>
internal sealed class FuseModeConverter() : EnumConverter(typeof(FuseMode))
{
    /// <inheritdoc/>
    public override object? ConvertFrom(ITypeDescriptorContext? context, CultureInfo? culture, object value) =>
        value is string text ? FuseModes.Parse(text) : base.ConvertFrom(context, culture, value);

    /// <inheritdoc/>
    public override object? ConvertTo(ITypeDescriptorContext? context, CultureInfo? culture, object? value, Type destinationType) =>
        value is FuseMode mode && destinationType == typeof(string) ? mode.ToCode()
            : base.ConvertTo(context, culture, value, destinationType);
}
