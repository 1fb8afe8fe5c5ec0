using System.Globalization;

namespace BatchGen.Diffusion.Text;

/// <summary>A stretch of a prompt with one weight, or a chunk break.</summary>
/// <param name="Text">The words; empty for a break.</param>
/// <param name="Weight">How much they count; 1 is plain.</param>
/// <param name="IsBreak">True for <c>BREAK</c>.</param>
internal readonly record struct PromptPart(string Text, double Weight, bool IsBreak = false);

/// <summary>Reads the weighting syntax of the web UI of AUTOMATIC1111, which most tools share.</summary>
/// <remarks>
/// <c>(word)</c> counts 1.1 times, <c>((word))</c> 1.21 times, <c>[word]</c> 1/1.1 times, <c>(word:1.3)</c> 1.3 times; brackets nest; a
/// backslash before a bracket makes it a plain character; <c>BREAK</c> in capitals starts a new chunk of 75 tokens. Brackets that are never
/// closed count to the end. (AUTOMATIC1111/stable-diffusion-webui, modules/prompt_parser.py, parse_prompt_attention. Its scheduling syntax
/// <c>[a:b:0.5]</c> is not read; compel's <c>word++</c> is plain text.)
/// </remarks>
internal static class PromptSyntax
{
    private const double Round = 1.1;
    private const string Break = "BREAK";

    /// <summary>The parts of a prompt, in order; neighbours of equal weight are one part.</summary>
    public static IReadOnlyList<PromptPart> Parse(string prompt)
    {
        var parts = new List<PromptPart>();
        var round = new Stack<int>();
        var square = new Stack<int>();
        var at = 0;
        while (at < prompt.Length)
        {
            switch (prompt[at])
            {
                case '\\' when at + 1 < prompt.Length && prompt[at + 1] is '(' or ')' or '[' or ']' or '\\':
                    parts.Add(new PromptPart(prompt[at + 1].ToString(), 1));
                    at += 2;
                    break;
                case '(':
                    round.Push(parts.Count);
                    at++;
                    break;
                case '[':
                    square.Push(parts.Count);
                    at++;
                    break;
                case ':' when round.Count > 0 && WeightAt(prompt, at, out var weight, out var length):
                    Multiply(parts, round.Pop(), weight);
                    at += length;
                    break;
                case ')' when round.Count > 0:
                    Multiply(parts, round.Pop(), Round);
                    at++;
                    break;
                case ']' when square.Count > 0:
                    Multiply(parts, square.Pop(), 1 / Round);
                    at++;
                    break;
                default:
                    var end = at + 1;
                    while (end < prompt.Length && prompt[end] is not ('\\' or '(' or ')' or '[' or ']' or ':')) end++;
                    AddText(parts, prompt[at..end]);
                    at = end;
                    break;
            }
        }

        foreach (var start in round) Multiply(parts, start, Round);
        foreach (var start in square) Multiply(parts, start, 1 / Round);
        return Merge(parts);
    }

    // ':', a number, ')', with spaces allowed around the number.
    private static bool WeightAt(string prompt, int at, out double weight, out int length)
    {
        weight = 1;
        length = 0;
        var close = prompt.IndexOf(')', at);
        if (close < 0) return false;
        length = close - at + 1;
        // .NET takes the words infinity and NaN for numbers; they are text here, and so is what float32 cannot hold: no image would come of
        // either.
        return double.TryParse(prompt.AsSpan(at + 1, close - at - 1).Trim(), NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint,
            CultureInfo.InvariantCulture, out weight)
            && float.IsFinite((float)weight);
    }

    private static void AddText(List<PromptPart> parts, string text)
    {
        for (var at = IndexOfBreak(text); at >= 0; at = IndexOfBreak(text))
        {
            parts.Add(new PromptPart(text[..at].TrimEnd(), 1));
            parts.Add(new PromptPart("", 1, IsBreak: true));
            text = text[(at + Break.Length)..].TrimStart();
        }

        parts.Add(new PromptPart(text, 1));
    }

    // The word by itself, not inside another.
    private static int IndexOfBreak(string text)
    {
        for (var at = text.IndexOf(Break, StringComparison.Ordinal); at >= 0; at = text.IndexOf(Break, at + 1, StringComparison.Ordinal))
        {
            var before = at == 0 || !IsWord(text[at - 1]);
            var after = at + Break.Length == text.Length || !IsWord(text[at + Break.Length]);
            if (before && after) return at;
        }

        return -1;
    }

    private static bool IsWord(char c) => char.IsLetterOrDigit(c) || c == '_';

    private static void Multiply(List<PromptPart> parts, int start, double factor)
    {
        for (var i = start; i < parts.Count; i++) parts[i] = parts[i] with { Weight = parts[i].Weight * factor };
    }

    private static List<PromptPart> Merge(List<PromptPart> parts)
    {
        var merged = new List<PromptPart>();
        foreach (var part in parts.Where(part => part.IsBreak || part.Text.Length > 0))
        {
            if (!part.IsBreak && merged.Count > 0 && !merged[^1].IsBreak && merged[^1].Weight == part.Weight)
                merged[^1] = merged[^1] with { Text = merged[^1].Text + part.Text };
            else merged.Add(part);
        }

        return merged;
    }
}
