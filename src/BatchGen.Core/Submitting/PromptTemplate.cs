using System.Collections.Immutable;
using System.Text;
using BatchGen.Core.Texts;

namespace BatchGen.Core.Submitting;

/// <summary>
/// Prompts with alternatives: <c>a {red|blue} {circle|star}</c> stands for four prompts. An alternative may be empty or hold alternatives;
/// <c>\{</c>, <c>\}</c>, <c>\|</c> and <c>\\</c> are the plain characters. Given words, <c>{colour}</c> stands for the word of that name,
/// which may hold alternatives too.
/// </summary>
public sealed class PromptTemplate
{
    /// <summary>Highest count that is reported; larger counts are reported as this number.</summary>
    public const long Many = 1_000_000_000_000;

    private readonly Sequence _sequence;

    private PromptTemplate(Sequence sequence, IReadOnlyCollection<string> used) => (_sequence, UsedWords) = (sequence, used);

    /// <summary>Names of the words that the template uses.</summary>
    public IReadOnlyCollection<string> UsedWords { get; }

    /// <summary>
    /// Number of prompts, at most <see cref="Many"/>; counted without making any, because a short text can stand for millions.
    /// </summary>
    public long Count => _sequence.Count;

    /// <summary>Reads a template; a text without braces stands for itself.</summary>
    /// <param name="template">Text with alternatives in braces.</param>
    /// <param name="words">The texts that names in braces stand for, by name; null when the template has no names.</param>
    /// <exception cref="FormatException">A brace is not closed, or closes nothing, or a name in braces has no word.</exception>
    public static PromptTemplate Parse(string template, IReadOnlyDictionary<string, string>? words = null)
    {
        ArgumentNullException.ThrowIfNull(template);
        var at = 0;
        var names = new Names(words ?? ImmutableDictionary<string, string>.Empty);
        var sequence = ParseSequence(template, ref at, depth: 0, names);
        return at == template.Length
            ? new PromptTemplate(sequence, names.Used)
            : throw new FormatException($"The template has a '}}' at letter {at + 1} that closes nothing; write \\}} for a plain brace.");
    }

    /// <summary>Writes a text as a template that stands for exactly this text.</summary>
    public static string Escape(string prompt)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        return prompt.Replace("\\", "\\\\", StringComparison.Ordinal)
            .Replace("{", "\\{", StringComparison.Ordinal)
            .Replace("}", "\\}", StringComparison.Ordinal);
    }

    /// <summary>Makes the prompts one after another, the last alternatives changing fastest.</summary>
    public IEnumerable<string> Prompts() => _sequence.Expand();

    private static Sequence ParseSequence(string text, ref int at, int depth, Names names)
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
                parts.Add(new Part("", ParseChoice(text, ref at, depth, names)));
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

    private static List<Sequence> ParseChoice(string text, ref int at, int depth, Names names)
    {
        var opened = at;
        if (names.Find(text, ref at) is { } word) return word;
        if (depth > 20) throw new FormatException("The template nests its braces more than 20 deep.");
        var alternatives = new List<Sequence>();
        do
        {
            at++; // '{' or '|'
            alternatives.Add(ParseSequence(text, ref at, depth + 1, names));
        }
        while (at < text.Length && text[at] == '|');
        if (at >= text.Length)
        {
            throw new FormatException(
                $"The template opens a '{{' at letter {opened + 1} and never closes it; write \\{{ for a plain brace.");
        }

        at++; // '}'
        return alternatives;
    }

    private static long Multiply(long a, long b) => b > 0 && a > Many / b ? Many : a * b;

    /// <summary>The words of a template, and which of them the template uses.</summary>
    private sealed class Names(IReadOnlyDictionary<string, string> words)
    {
        private readonly HashSet<string> _used = new(StringComparer.OrdinalIgnoreCase);

        public IReadOnlyCollection<string> Used => _used;

        /// <summary>
        /// The alternatives of the word whose name stands in braces at this place, or null when there are no words or no name.
        /// </summary>
        public List<Sequence>? Find(string text, ref int at)
        {
            var end = text.AsSpan(at + 1).IndexOfAny("{}|\\");
            if (words.Count == 0 || end < 0 || text[at + 1 + end] != '}') return null;
            var name = text.Substring(at + 1, end).Trim();
            if (!words.TryGetValue(name, out var word))
            {
                throw new FormatException(ShortText.Of(
                    $"The template names '{{{name}}}', and there is no such column. {NearestName.Hint(name, [.. words.Keys])}"));
            }

            _used.Add(name);
            at += end + 2;
            var start = 0;
            try
            {
                // In braces, the alternatives of the word are read as those of this place.
                var choice = ParseChoice($"{{{word}}}", ref start, 0, new Names(ImmutableDictionary<string, string>.Empty));
                if (start == word.Length + 2) return choice;
            }
            catch (FormatException)
            {
                // The message would count letters of the word with braces around it; the message below names the word instead.
            }

            throw new FormatException(
                ShortText.Of($"The braces of '{word}', which {{{name}}} stands for, do not match; write \\{{ or \\}} for a plain brace."));
        }
    }

    /// <summary>A plain text, or a choice between alternatives.</summary>
    private sealed class Part(string text, List<Sequence>? choice)
    {
        public long Count { get; } =
            choice is null ? 1 : choice.Aggregate(0L, (sum, alternative) => Math.Min(Many, sum + alternative.Count));

        public void Write(long index, StringBuilder into)
        {
            if (choice is null)
            {
                into.Append(text);
                return;
            }

            var at = 0;
            for (; index >= choice[at].Count; at++) index -= choice[at].Count;
            choice[at].Write(index, into);
        }
    }

    /// <summary>
    /// Parts one after another. A prompt is made from its number, so that neither a long template nor many prompts need a deep stack.
    /// </summary>
    private sealed class Sequence(List<Part> parts)
    {
        public long Count { get; } = parts.Aggregate(1L, (product, part) => Multiply(product, part.Count));

        public IEnumerable<string> Expand()
        {
            var text = new StringBuilder();
            for (long index = 0; index < Count; index++)
            {
                text.Clear();
                Write(index, text);
                yield return text.ToString();
            }
        }

        public void Write(long index, StringBuilder into)
        {
            // The number is split into one digit for each part; the last part has the lowest digit.
            var digits = new long[parts.Count];
            for (var i = parts.Count - 1; i >= 0; i--) (index, digits[i]) = Math.DivRem(index, parts[i].Count);
            for (var i = 0; i < parts.Count; i++) parts[i].Write(digits[i], into);
        }
    }
}
