using System.Globalization;
using System.Text;

namespace BatchGen.Diffusion.Text;

/// <summary>Canonical composition (NFC) and width folding of text.</summary>
/// <remarks>
/// The program runs with invariant globalization, where <see cref="string.Normalize()"/> leaves everything beyond ASCII as it is; prompts
/// typed on a Mac, where accents come decomposed, would get other tokens than everywhere else. Algorithm: Unicode Standard Annex #15,
/// sections 1.3 and 16 (Hangul); the data is in unicode-normalization.txt.
/// </remarks>
internal static class UnicodeNormalization
{
    // Hangul syllables are composed by arithmetic (UAX #15, section 16).
    private const int SyllableBase = 0xAC00;
    private const int LeadBase = 0x1100;
    private const int VowelBase = 0x1161;
    private const int TailBase = 0x11A7;
    private const int LeadCount = 19;
    private const int VowelCount = 21;
    private const int TailCount = 28;

    private static readonly Tables Data = Tables.Read();

    /// <summary>The text in normalization form C.</summary>
    public static string Compose(string text)
    {
        if (Ascii.IsValid(text)) return text;
        var codes = new List<int>(text.Length);
        foreach (var rune in text.EnumerateRunes()) Decompose(rune.Value, codes);
        Reorder(codes);
        return Recompose(codes);
    }

    /// <summary>The text with full-width and half-width forms replaced by ordinary ones.</summary>
    public static string FoldWidth(string text)
    {
        if (!text.Any(c => c is '\u3000' or (>= '\uff01' and <= '\uffef'))) return text;
        var folded = new StringBuilder(text.Length);
        foreach (var c in text)
        {
            if (Data.Width.TryGetValue(c, out var target)) folded.Append(target);
            else folded.Append(c);
        }

        return folded.ToString();
    }

    private static void Decompose(int code, List<int> codes)
    {
        if (code is >= SyllableBase and < SyllableBase + LeadCount * VowelCount * TailCount)
        {
            var index = code - SyllableBase;
            codes.Add(LeadBase + index / (VowelCount * TailCount));
            codes.Add(VowelBase + index % (VowelCount * TailCount) / TailCount);
            if (index % TailCount != 0) codes.Add(TailBase + index % TailCount);
        }
        else if (Data.Decompositions.TryGetValue(code, out var pair))
        {
            Decompose(pair.First, codes);
            if (pair.Second != 0) Decompose(pair.Second, codes);
        }
        else
        {
            codes.Add(code);
        }
    }

    // Marks after a base character are put in the order of their classes; equal classes keep theirs.
    private static void Reorder(List<int> codes)
    {
        for (var i = 1; i < codes.Count; i++)
        {
            var rank = Class(codes[i]);
            if (rank == 0) continue;
            var at = i;
            while (at > 0 && Class(codes[at - 1]) > rank)
            {
                (codes[at], codes[at - 1]) = (codes[at - 1], codes[at]);
                at--;
            }
        }
    }

    private static string Recompose(List<int> codes)
    {
        var starter = -1;
        var lastClass = -1;
        var kept = new List<int>(codes.Count);
        foreach (var code in codes)
        {
            var rank = Class(code);
            // A mark reaches the starter unless one of the same or a higher class stands between.
            if (starter >= 0 && (lastClass < rank || lastClass == -1) && Pair(kept[starter], code) is { } composed)
            {
                kept[starter] = composed;
                continue;
            }

            if (rank == 0)
            {
                starter = kept.Count;
                lastClass = -1;
            }
            else
            {
                lastClass = rank;
            }

            kept.Add(code);
        }

        var text = new StringBuilder(kept.Count);
        foreach (var code in kept) text.Append(new Rune(code).ToString());
        return text.ToString();
    }

    private static int? Pair(int first, int second)
    {
        if (first is >= LeadBase and < LeadBase + LeadCount && second is >= VowelBase and < VowelBase + VowelCount)
            return SyllableBase + ((first - LeadBase) * VowelCount + (second - VowelBase)) * TailCount;
        if (first is >= SyllableBase and < SyllableBase + LeadCount * VowelCount * TailCount && (first - SyllableBase) % TailCount == 0
            && second is > TailBase and < TailBase + TailCount)
            return first + (second - TailBase);
        return Data.Compositions.TryGetValue((first, second), out var composed) ? composed : null;
    }

    private static int Class(int code) => Data.Classes.GetValueOrDefault(code);

    /// <summary>The data file in memory.</summary>
    private sealed record Tables(
        Dictionary<int, int> Classes,
        Dictionary<int, (int First, int Second)> Decompositions,
        Dictionary<(int First, int Second), int> Compositions,
        Dictionary<char, string> Width)
    {
        public static Tables Read()
        {
            var tables = new Tables([], [], [], []);
            using var stream = typeof(UnicodeNormalization).Assembly.GetManifestResourceStream("unicode-normalization.txt")
                ?? throw new InvalidOperationException("unicode-normalization.txt is not embedded.");
            using var reader = new StreamReader(stream);
            while (reader.ReadLine() is { } line)
            {
                if (line.StartsWith('#')) continue;
                var fields = line.Split(' ');
                var code = Hex(fields[1]);
                switch (fields[0])
                {
                    case "c":
                        tables.Classes[code] = int.Parse(fields[2], CultureInfo.InvariantCulture);
                        break;
                    case "d" or "x":
                        var pair = (Hex(fields[2]), fields.Length > 3 ? Hex(fields[3]) : 0);
                        tables.Decompositions[code] = pair;
                        if (fields[0] == "d") tables.Compositions[pair] = code;
                        break;
                    case "w":
                        tables.Width[(char)code] = string.Concat(fields[2..].Select(field => new Rune(Hex(field)).ToString()));
                        break;
                    default:
                        throw new InvalidOperationException($"unicode-normalization.txt has a line '{line}'.");
                }
            }

            return tables;
        }

        private static int Hex(string text) => int.Parse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
    }
}
