using System.ComponentModel;
using System.Globalization;

namespace BatchGen.Core.Files;

/// <summary>Who besides its owner may read what the program writes into a folder; settings spell the values in lower case.</summary>
[TypeConverter(typeof(FolderAccessConverter))]
public enum FolderAccess
{
    /// <summary>Nobody besides the owner.</summary>
    Private,

    /// <summary>The group that the folder belongs to, whose members may also add files.</summary>
    Group,

    /// <summary>Every user of the machine.</summary>
    Everyone,
}

/// <summary>Lets settings spell the access in lower case, and by its names only.</summary>
internal sealed class FolderAccessConverter() : EnumConverter(typeof(FolderAccess))
{
    /// <inheritdoc/>
    public override object? ConvertFrom(ITypeDescriptorContext? context, CultureInfo? culture, object value) =>
        value is not string text ? base.ConvertFrom(context, culture, value)
        : Enum.GetNames<FolderAccess>().FirstOrDefault(name => name.Equals(text, StringComparison.OrdinalIgnoreCase)) is { } known
            ? Enum.Parse<FolderAccess>(known)
            : throw new FormatException($"'{text}' says not who may read; use {string.Join(", ", Enum.GetNames<FolderAccess>())}.");

    /// <inheritdoc/>
    public override object? ConvertTo(ITypeDescriptorContext? context, CultureInfo? culture, object? value, Type destinationType) =>
        value is FolderAccess access && destinationType == typeof(string) ? access.ToString().ToLowerInvariant()
            : base.ConvertTo(context, culture, value, destinationType);
}
