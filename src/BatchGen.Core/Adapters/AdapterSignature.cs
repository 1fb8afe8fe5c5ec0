using System.Globalization;
using System.Text;
using BatchGen.Core.Texts;

namespace BatchGen.Core.Adapters;

/// <summary>The base model and the ordered adapters with strengths that a job needs: the key the queue sorts by.</summary>
/// <remarks>
/// Canonical text, as the database writes it: <c>model|name@strength+name@strength</c>, adapters in ordinal order of name;
/// <c>name@0.8:0.5</c> when the text encoder strength differs; <c>name@0.8[1,0,0.5]</c> with per-block strengths.
/// Strengths have at most four decimals and no trailing zeros. No adapters: <c>model|</c>.
/// </remarks>
public sealed class AdapterSignature : IEquatable<AdapterSignature>
{
    private readonly string _text;

    private AdapterSignature(string model, IReadOnlyList<AdapterUse> adapters, string text)
    {
        Model = model;
        Adapters = adapters;
        _text = text;
    }

    /// <summary>Registered name of the base model.</summary>
    public string Model { get; }

    /// <summary>The adapters in the order they are summed.</summary>
    public IReadOnlyList<AdapterUse> Adapters { get; }

    /// <summary>Builds the canonical signature from adapters in any order.</summary>
    /// <exception cref="FormatException">A name is empty or holds a reserved character, or an adapter is named twice.</exception>
    public static AdapterSignature Create(string model, IEnumerable<AdapterUse> adapters)
    {
        ArgumentNullException.ThrowIfNull(adapters);
        CheckName(model, "model");
        var sorted = adapters.Select(Canonical).OrderBy(adapter => adapter.Name, StringComparer.Ordinal).ToArray();
        for (var i = 0; i < sorted.Length; i++)
        {
            CheckName(sorted[i].Name, "adapter");
            if (i > 0 && sorted[i].Name == sorted[i - 1].Name)
                throw new FormatException(ShortText.Of($"Adapter '{sorted[i].Name}' is named twice; add its strengths into one entry."));
        }

        return new AdapterSignature(model, sorted, Format(model, sorted));
    }

    /// <summary>Reads the text form.</summary>
    /// <exception cref="FormatException">The text is not a signature; the message says where.</exception>
    public static AdapterSignature Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var bar = text.IndexOf('|', StringComparison.Ordinal);
        if (bar < 0) throw new FormatException(ShortText.Of($"Signature '{text}' has no '|' after the model name."));
        var list = text[(bar + 1)..];
        var adapters = list.Length == 0 ? [] : list.Split('+').Select(ParseUse);
        return Create(text[..bar], adapters);
    }

    /// <inheritdoc/>
    public override string ToString() => _text;

    /// <inheritdoc/>
    public bool Equals(AdapterSignature? other) => other is not null && string.Equals(_text, other._text, StringComparison.Ordinal);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as AdapterSignature);

    /// <inheritdoc/>
    public override int GetHashCode() => StringComparer.Ordinal.GetHashCode(_text);

    private static void CheckName(string name, string what)
    {
        if (!RegisteredName.IsValid(name))
            throw new FormatException(ShortText.Of($"'{name}' is not a {what} name. {RegisteredName.Rule}"));
    }

    private static AdapterUse Canonical(AdapterUse use)
    {
        var strength = Round(use.Strength);
        var textEncoder = use.TextEncoderStrength is { } value ? Round(value) : strength;
        var blocks = use.BlockStrengths is { } list && list.Any(weight => Round(weight) != 1m) ? list.Select(Round).ToArray() : null;
        return new AdapterUse(use.Name, strength, textEncoder == strength ? null : textEncoder, blocks);
    }

    // Same rule as the database (round(x, 4), half away from zero), so both sides write the same text.
    // Adding zero turns the negative zero that decimals have, and the database has not, into zero.
    private static decimal Round(decimal value) => Math.Round(value, 4, MidpointRounding.AwayFromZero) + 0m;

    private static string Format(string model, AdapterUse[] adapters)
    {
        var text = new StringBuilder(model).Append('|');
        for (var i = 0; i < adapters.Length; i++)
        {
            if (i > 0) text.Append('+');
            text.Append(adapters[i].Name).Append('@').Append(Number(adapters[i].Strength));
            if (adapters[i].TextEncoderStrength is { } textEncoder) text.Append(':').Append(Number(textEncoder));
            if (adapters[i].BlockStrengths is { } blocks) text.Append('[').AppendJoin(',', blocks.Select(Number)).Append(']');
        }

        return text.ToString();
    }

    private static string Number(decimal value) => value.ToString("0.####", CultureInfo.InvariantCulture);

    private static AdapterUse ParseUse(string text)
    {
        var at = text.LastIndexOf('@');
        if (at < 0)
        {
            throw new FormatException(
                ShortText.Of($"'{text}' has no '@' before the strength; write name@strength, for example 'style@0.8'."));
        }

        var (name, rest) = (text[..at], text[(at + 1)..]);
        decimal[]? blocks = null;
        var bracket = rest.IndexOf('[', StringComparison.Ordinal);
        if (bracket >= 0)
        {
            if (!rest.EndsWith(']')) throw new FormatException(ShortText.Of($"'{text}': the list of block strengths has no closing ']'."));
            blocks = rest[(bracket + 1)..^1].Split(',').Select(item => ParseNumber(item, text)).ToArray();
            rest = rest[..bracket];
        }

        var parts = rest.Split(':');
        if (parts.Length > 2)
            throw new FormatException(ShortText.Of($"'{text}' has more than two strengths; write name@unet or name@unet:text_encoder."));
        return new AdapterUse(name, ParseNumber(parts[0], text), parts.Length == 2 ? ParseNumber(parts[1], text) : null, blocks);
    }

    private static decimal ParseNumber(string text, string whole) =>
        decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value)
            ? value
            : throw new FormatException(ShortText.Of($"'{whole}': '{text}' is not a number."));
}
