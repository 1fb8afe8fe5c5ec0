using BatchGen.Core.Failures;
using BatchGen.Diffusion.Adapters;
using BatchGen.Output;

namespace BatchGen.Composition;

/// <summary>Inspects an adapter that is to be registered: what the queue keeps of it can be written in prompts and shown.</summary>
internal static class InspectedAdapter
{
    /// <summary>Reads a file or PEFT folder; trigger words with control characters, which only describe it, are left out with a
    /// warning.</summary>
    /// <exception cref="AdapterException">It is no adapter, or a learned word in it has a control character.</exception>
    public static AdapterReport Read(string path) => Check(AdapterInspector.Inspect(path));

    /// <summary>The report without trigger words that have control characters.</summary>
    /// <exception cref="AdapterException">A learned word has a control character.</exception>
    internal static AdapterReport Check(AdapterReport report)
    {
        // The key of a learned word is the word itself, or contains it.
        if (report.Embeddings.FirstOrDefault(HasControl) is { } learned)
        {
            throw new AdapterException($"'{report.Path}' has the learned word '{TerminalText.EscapeLine(learned)}' with a control "
                + "character, which no prompt can hold. Take the file from its author again, or name the word anew.");
        }

        var odd = report.TriggerWords.Where(HasControl).ToArray();
        if (odd.Length == 0) return report;
        return report with
        {
            TriggerWords = [.. report.TriggerWords.Except(odd, StringComparer.Ordinal)],
            Warnings =
            [
                .. report.Warnings,
                .. odd.Select(word => $"Trigger word '{TerminalText.EscapeLine(word)}' is left out, because it has a control character."),
            ],
        };
    }

    private static bool HasControl(string text) => text.Any(char.IsControl);
}
