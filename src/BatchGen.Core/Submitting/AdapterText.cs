using BatchGen.Core.Adapters;
using BatchGen.Core.Jobs;
using BatchGen.Core.Texts;

namespace BatchGen.Core.Submitting;

/// <summary>
/// Reads and writes adapters as people type them: <c>name</c>, <c>name@0.8</c>, <c>name@0.8:0.5</c>, several joined by '+'.
/// </summary>
public static class AdapterText
{
    /// <summary>Reads one or more adapters, joined by '+'.</summary>
    /// <exception cref="FormatException">The text is not of that form; the message says what is wrong.</exception>
    public static IReadOnlyList<JobRequestAdapter> Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return text.Split('+').Select(part => ParseOne(part.Trim())).ToArray();
    }

    /// <summary>The strengths of an adapter as they stand after its name: <c>0.8</c>, <c>0.8:0.5</c>, <c>0.8[1,0,...]</c>.</summary>
    public static string StrengthsOf(AdapterUse use)
    {
        ArgumentNullException.ThrowIfNull(use);
        // A signature spells strengths in the form that Parse reads.
        return AdapterSignature.Create("model", [use]).ToString()[("model|".Length + use.Name.Length + 1)..];
    }

    private static JobRequestAdapter ParseOne(string text)
    {
        if (!text.Contains('@'))
        {
            return RegisteredName.IsValid(text)
                ? new JobRequestAdapter(text)
                : throw new FormatException(ShortText.Of(
                    $"'{text}' is not an adapter; write name or name@strength, for example 'style@0.8'. {RegisteredName.Rule}"));
        }

        // The parser of signatures reads the form; "model" stands where a signature has the model's name, and is not used.
        var use = AdapterSignature.Parse("model|" + text).Adapters[0];
        return new JobRequestAdapter(use.Name, use.Strength, use.TextEncoderStrength, use.BlockStrengths);
    }
}
