using System.Text;

namespace BatchGen.Core.Submitting;

/// <summary>Prompts with alternatives: <c>a {red|blue} {circle|star}</c> stands for four prompts. Alternatives may hold alternatives; <c>\{</c> is a brace.</summary>
public static class PromptTemplate
{
    /// <summary>All prompts a template stands for, the last alternatives changing fastest.</summary>
    /// <param name="template">The template; a text without braces stands for itself.</param>
    /// <param name="limit">Most prompts taken.</param>
    /// <exception cref="FormatException">A brace is not closed, or the template stands for more prompts than the limit.</exception>
    public static IReadOnlyList<string> Expand(string template, int limit)
    {
        ArgumentNullException.ThrowIfNull(template);
        var at = 0;
        var sequence = ParseSequence(template, ref at, depth: 0);
        if (at < template.Length) throw new FormatException($"The template has a '}}' at letter {at + 1} that closes nothing; write \\}} for a plain brace.");
        // Counted before anything is made: a short text can stand for millions.
        var count = sequence.Count;
        if (count > limit) throw new FormatException($"The template stands for {(count >= Counter.Many ? "far more" : count.ToString(System.Globalization.CultureInfo.InvariantCulture))} prompts; at most {limit} are taken.");
        return sequence.Expand().ToArray();
    }

    private static Sequence ParseSequence(string text, ref int at, int depth)
    {
        var parts = new List<Part>();
        var plain = new StringBuilder();
        while (at < text.Length)
        {
            var c = text[at];
            if (c == '\\' && at + 1 < text.Length && text[at + 1] is '{' or '}' or '|' or '\\')
            {
                plain.Append(text[at + 1]);
                at += 2;
            }
            else if (c == '{')
            {
                if (plain.Length > 0) parts.Add(new Part(plain.ToString(), null));
                plain.Clear();
                parts.Add(new Part("", ParseChoice(text, ref at, depth)));
            }
            else if (depth > 0 && c is '|' or '}' || c == '}')
            {
                break;
            }
            else
            {
                plain.Append(c);
                at++;
            }
        }

        if (plain.Length > 0) parts.Add(new Part(plain.ToString(), null));
        return new Sequence(parts);
    }

    private static List<Sequence> ParseChoice(string text, ref int at, int depth)
    {
        var opened = at;
        if (depth > 20) throw new FormatException("The template nests its braces more than 20 deep.");
        var alternatives = new List<Sequence>();
        do
        {
            at++; // '{' or '|'
            alternatives.Add(ParseSequence(text, ref at, depth + 1));
        }
        while (at < text.Length && text[at] == '|');
        if (at >= text.Length) throw new FormatException($"The template opens a '{{' at letter {opened + 1} and never closes it; write \\{{ for a plain brace.");
        at++; // '}'
        return alternatives;
    }

    private static class Counter
    {
        // Beyond this the exact number says nothing more.
        public const long Many = 1_000_000_000_000;

        public static long Multiply(long a, long b) => a > 0 && b > Many / a ? Many : a * b;

        public static long Add(long a, long b) => Math.Min(Many, a + b);
    }

    private sealed record Part(string Text, List<Sequence>? Choice)
    {
        public long Count => Choice is null ? 1 : Choice.Aggregate(0L, (sum, alternative) => Counter.Add(sum, alternative.Count));

        public IEnumerable<string> Expand() => Choice is null ? [Text] : Choice.SelectMany(alternative => alternative.Expand());
    }

    private sealed record Sequence(List<Part> Parts)
    {
        public long Count => Parts.Aggregate(1L, (product, part) => Counter.Multiply(product, part.Count));

        public IEnumerable<string> Expand() => Parts.Aggregate((IEnumerable<string>)[""], (prefixes, part) => prefixes.SelectMany(_ => part.Expand(), (prefix, end) => prefix + end));
    }
}
