using System.Globalization;
using System.IO.Compression;
using System.Text;
using System.Text.Json;
using BatchGen.Core.Failures;
using BatchGen.Core.Texts;

namespace BatchGen.Diffusion.Text;

/// <summary>CLIP's byte-pair tokenizer: the same ids as transformers' CLIPTokenizer with ftfy.</summary>
/// <remarks>
/// Written out here (docs/decisions/0005-own-tokenizer.md). Algorithm: openai/CLIP, clip/simple_tokenizer.py; cleaning as in
/// <see cref="TextRepair"/>.
/// </remarks>
internal sealed class ClipTokenizer
{
    private const string StartOfText = "<|startoftext|>";
    private const string EndOfText = "<|endoftext|>";
    private const string EndOfWord = "</w>";
    private static readonly string[] Contractions = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"];
    private static readonly string[] ByteLetters = MakeByteLetters();
    private readonly Dictionary<string, int> _vocabulary;
    private readonly Dictionary<(string Left, string Right), int> _ranks;

    private ClipTokenizer(
        Dictionary<string, int> vocabulary, Dictionary<(string Left, string Right), int> ranks, string padToken, int maxLength)
    {
        _vocabulary = vocabulary;
        _ranks = ranks;
        StartId = vocabulary[StartOfText];
        EndId = vocabulary[EndOfText];
        PadId = vocabulary.GetValueOrDefault(padToken, EndId);
        MaxLength = maxLength;
    }

    /// <summary>Id that begins every text.</summary>
    public int StartId { get; }

    /// <summary>Id that ends every text.</summary>
    public int EndId { get; }

    /// <summary>Id that fills a text up to <see cref="MaxLength"/>.</summary>
    public int PadId { get; }

    /// <summary>Number of ids a text encoder takes, 77 in all published models.</summary>
    public int MaxLength { get; }

    /// <summary>Number of ids known.</summary>
    public int VocabularySize => _vocabulary.Count;

    /// <summary>Reads a tokenizer folder of the diffusers layout.</summary>
    /// <param name="folder">Folder with tokenizer_config.json and special_tokens_map.json.</param>
    /// <param name="vocabularyFolder">Folder with vocab.json and merges.txt; usually the same.</param>
    /// <exception cref="ModelException">A file is missing or is not what it should be.</exception>
    public static ClipTokenizer Load(string folder, string? vocabularyFolder = null)
    {
        var source = vocabularyFolder ?? folder;
        try
        {
            var vocabulary =
                ForeignJson.Parse(File.ReadAllText(Path.Combine(source, "vocab.json"))).Deserialize<Dictionary<string, int>>() ?? [];
            if (!vocabulary.ContainsKey(StartOfText) || !vocabulary.ContainsKey(EndOfText))
                throw new ModelException(
                    $"'{Path.Combine(source, "vocab.json")}' is not a CLIP vocabulary: it lacks '{StartOfText}' or '{EndOfText}'.");
            var ranks = new Dictionary<(string Left, string Right), int>();
            foreach (var line in File.ReadLines(Path.Combine(source, "merges.txt")).Skip(1))
            {
                var space = line.IndexOf(' ', StringComparison.Ordinal);
                if (space > 0) ranks.TryAdd((line[..space], line[(space + 1)..].TrimEnd('\r')), ranks.Count);
            }

            var (padToken, maxLength) = ReadSettings(folder);
            return new ClipTokenizer(vocabulary, ranks, padToken, maxLength);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new ModelException($"The tokenizer folder '{source}' lacks a file: {error.Message} Download the model again.", error);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            throw new ModelException($"A JSON file of the tokenizer in '{source}' cannot be read: {error.Message}", error);
        }
    }

    /// <summary>The vocabulary all published models share, for files that come without one.</summary>
    /// <param name="padWithZero">True for text encoders that were trained on texts filled up with the id 0, false for the end
    /// token.</param>
    public static ClipTokenizer Published(bool padWithZero)
    {
        var merges = PublishedMerges();
        var vocabulary = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var token in PublishedVocabulary(merges)) vocabulary.Add(token, vocabulary.Count);
        var ranks = new Dictionary<(string Left, string Right), int>();
        foreach (var line in merges.Skip(1))
        {
            var space = line.IndexOf(' ', StringComparison.Ordinal);
            ranks.Add((line[..space], line[(space + 1)..]), ranks.Count);
        }

        return new ClipTokenizer(vocabulary, ranks, padWithZero ? "!" : EndOfText, 77);
    }

    /// <summary>Writes the published vocabulary as a tokenizer folder of the diffusers layout.</summary>
    public static void WritePublished(string folder, bool padWithZero)
    {
        Directory.CreateDirectory(folder);
        var merges = PublishedMerges();
        File.WriteAllText(Path.Combine(folder, "merges.txt"), string.Join('\n', merges) + "\n");
        File.WriteAllText(Path.Combine(folder, "vocab.json"), JsonSerializer.Serialize(PublishedVocabulary(merges)
            .Select((token, id) => (token, id)).ToDictionary(item => item.token, item => item.id)));
        File.WriteAllText(
            Path.Combine(folder, "tokenizer_config.json"),
            JsonSerializer.Serialize(new
            {
                tokenizer_class = "CLIPTokenizer", model_max_length = 77, bos_token = StartOfText, eos_token = EndOfText,
                unk_token = EndOfText, pad_token = padWithZero ? "!" : EndOfText,
            }));
    }

    /// <summary>Ids of a text, without start, end and padding.</summary>
    public List<int> Encode(string text)
    {
        var ids = new List<int>();
        // The two special tokens are recognised before anything is cleaned, exactly as they are spelled.
        foreach (var (part, special) in SplitAtSpecials(text))
        {
            if (special) ids.Add(_vocabulary[part]);
            else AddWords(Lower(CollapseSpace(TextRepair.Fix(part))), ids);
        }

        return ids;
    }

    /// <summary>Ids of a text with start and end, cut or filled to <see cref="MaxLength"/>.</summary>
    public long[] EncodePadded(string text) => Pad(Encode(text));

    /// <summary>Puts start and end around ids, and cuts or fills to <see cref="MaxLength"/>.</summary>
    public long[] Pad(IReadOnlyList<int> ids)
    {
        var padded = new long[MaxLength];
        Array.Fill(padded, PadId);
        var count = Math.Min(ids.Count, MaxLength - 2);
        padded[0] = StartId;
        for (var i = 0; i < count; i++) padded[i + 1] = ids[i];
        padded[count + 1] = EndId;
        return padded;
    }

    private static string[] PublishedMerges()
    {
        using var stream = typeof(ClipTokenizer).Assembly.GetManifestResourceStream("clip-merges.txt.gz")
            ?? throw new InvalidOperationException("clip-merges.txt.gz is not embedded.");
        using var unpacked = new GZipStream(stream, CompressionMode.Decompress);
        using var reader = new StreamReader(unpacked);
        return reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    // The bytes in the order of simple_tokenizer.py, the same at a word's end, the merges, and the two special tokens.
    private static IEnumerable<string> PublishedVocabulary(string[] merges)
    {
        var letters = ByteLetters.OrderBy(letter => letter[0]).ToArray();
        return letters.Concat(letters.Select(letter => letter + EndOfWord))
            .Concat(merges.Skip(1).Select(line => line.Replace(" ", "", StringComparison.Ordinal))).Append(StartOfText).Append(EndOfText);
    }

    private static (string PadToken, int MaxLength) ReadSettings(string folder)
    {
        var (pad, maxLength, newStyle) = (EndOfText, 77, false);
        var configPath = Path.Combine(folder, "tokenizer_config.json");
        if (File.Exists(configPath))
        {
            using var config = ForeignJson.Parse(File.ReadAllText(configPath));
            pad = Content(config.RootElement, "pad_token") ?? pad;
            newStyle = config.RootElement.TryGetProperty("added_tokens_decoder", out _);
            // Absent or an absurd number means "as long as the text encoder takes".
            if (config.RootElement.TryGetProperty("model_max_length", out var length) && length.TryGetInt32(out var value)
                && value is > 2 and < 10_000)
                maxLength = value;
        }

        // transformers lets the older file win, unless the newer one lists all its tokens (tokenization_utils_base.py, version 4.40).
        var mapPath = Path.Combine(folder, "special_tokens_map.json");
        if (!newStyle && File.Exists(mapPath))
        {
            using var map = ForeignJson.Parse(File.ReadAllText(mapPath));
            pad = Content(map.RootElement, "pad_token") ?? pad;
        }

        return (pad, maxLength);
    }

    private static string? Content(JsonElement root, string name)
    {
        if (!root.TryGetProperty(name, out var token)) return null;
        return token.ValueKind switch
        {
            JsonValueKind.String => token.GetString(),
            JsonValueKind.Object when token.TryGetProperty("content", out var content) => content.GetString(),
            _ => null,
        };
    }

    private static IEnumerable<(string Part, bool Special)> SplitAtSpecials(string text)
    {
        var start = 0;
        for (var at = text.IndexOf("<|", StringComparison.Ordinal); at >= 0; at = text.IndexOf("<|", at, StringComparison.Ordinal))
        {
            var token = text.AsSpan(at).StartsWith(StartOfText, StringComparison.Ordinal) ? StartOfText
                : text.AsSpan(at).StartsWith(EndOfText, StringComparison.Ordinal) ? EndOfText
                : null;
            if (token is null)
            {
                at += 2;
                continue;
            }

            if (at > start) yield return (text[start..at], false);
            yield return (token, true);
            at += token.Length;
            start = at;
        }

        if (start < text.Length) yield return (text[start..], false);
    }

    private static string CollapseSpace(string text) => string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));

    // As Python's str.lower: two characters differ from the simple mapping that .NET has.
    private static string Lower(string text)
    {
        var lower = text.ToLowerInvariant();
        if (lower.Contains('İ', StringComparison.Ordinal)) lower = lower.Replace("İ", "i\u0307", StringComparison.Ordinal);
        if (!text.Contains('Σ', StringComparison.Ordinal)) return lower;
        // A capital sigma that ends a word becomes a final sigma (Unicode Standard, table 3-17).
        var result = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == 'Σ') result.Append(IsCasedBefore(text, i) && !IsCasedAfter(text, i) ? 'ς' : 'σ');
            else result.Append(text[i] == 'İ' ? "i\u0307" : text[i].ToString());
        }

        return result.ToString().ToLowerInvariant();
    }

    private static bool IsCasedBefore(string text, int at)
    {
        for (at--; at >= 0 && IsCaseIgnorable(text[at]);) at--;
        return at >= 0 && IsCased(text[at]);
    }

    private static bool IsCasedAfter(string text, int at)
    {
        for (at++; at < text.Length && IsCaseIgnorable(text[at]);) at++;
        return at < text.Length && IsCased(text[at]);
    }

    private static bool IsCased(char c) => char.GetUnicodeCategory(c)
        is UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter;

    private static bool IsCaseIgnorable(char c) => c is '\'' or '.' or ':' or '·' or '’' || char.GetUnicodeCategory(c)
        is UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark or UnicodeCategory.Format or UnicodeCategory.ModifierLetter
            or UnicodeCategory.ModifierSymbol;

    // The pattern of simple_tokenizer.py, by hand and by code point (.NET's regular expressions see UTF-16 units):
    // <|startoftext|> | <|endoftext|> | 's|'t|'re|'ve|'m|'ll|'d | [\p{L}]+ | [\p{N}] | [^\s\p{L}\p{N}]+
    private void AddWords(string text, List<int> ids)
    {
        for (var at = 0; at < text.Length;)
        {
            var rest = text.AsSpan(at);
            var length = SpecialLength(rest);
            if (length > 0)
            {
                ids.Add(_vocabulary[text.Substring(at, length)]);
                at += length;
                continue;
            }

            length = ContractionLength(rest);
            if (length == 0)
            {
                var first = KindAt(rest, out length);
                if (first is CharacterKind.Letter or CharacterKind.Other)
                {
                    while (length < rest.Length && KindAt(rest[length..], out var next) == first) length += next;
                }

                if (first == CharacterKind.Space)
                {
                    at += length;
                    continue;
                }
            }

            AddPieces(text.Substring(at, length), ids);
            at += length;
        }
    }

    private static int SpecialLength(ReadOnlySpan<char> text) =>
        text.StartsWith(StartOfText, StringComparison.Ordinal) ? StartOfText.Length
        : text.StartsWith(EndOfText, StringComparison.Ordinal) ? EndOfText.Length
        : 0;

    private static int ContractionLength(ReadOnlySpan<char> text)
    {
        foreach (var contraction in Contractions)
        {
            if (text.StartsWith(contraction, StringComparison.Ordinal)) return contraction.Length;
        }

        return 0;
    }

    private static CharacterKind KindAt(ReadOnlySpan<char> text, out int length)
    {
        Rune.DecodeFromUtf16(text, out var rune, out length);
        if (Rune.IsLetter(rune)) return CharacterKind.Letter;
        if (Rune.IsNumber(rune)) return CharacterKind.Number;
        return Rune.IsWhiteSpace(rune) ? CharacterKind.Space : CharacterKind.Other;
    }

    // Byte-pair encoding of one word: its bytes as letters, the last one marked, merged by rank.
    private void AddPieces(string word, List<int> ids)
    {
        var bytes = Encoding.UTF8.GetBytes(word);
        var pieces = new List<string>(bytes.Length);
        foreach (var value in bytes) pieces.Add(ByteLetters[value]);
        pieces[^1] += EndOfWord;
        while (pieces.Count > 1)
        {
            var best = int.MaxValue;
            var pair = default((string Left, string Right));
            for (var i = 0; i + 1 < pieces.Count; i++)
            {
                if (_ranks.TryGetValue((pieces[i], pieces[i + 1]), out var rank) && rank < best)
                    (best, pair) = (rank, (pieces[i], pieces[i + 1]));
            }

            if (best == int.MaxValue) break;
            var merged = new List<string>(pieces.Count);
            for (var i = 0; i < pieces.Count; i++)
            {
                if (i + 1 < pieces.Count && pieces[i] == pair.Left && pieces[i + 1] == pair.Right) merged.Add(pieces[i++] + pieces[i]);
                else merged.Add(pieces[i]);
            }

            pieces = merged;
        }

        // The unknown token of CLIP tokenizers is the end token.
        foreach (var piece in pieces) ids.Add(_vocabulary.GetValueOrDefault(piece, EndId));
    }

    // bytes_to_unicode of simple_tokenizer.py: printable bytes stand for themselves, the others for the letters from U+0100 on.
    private static string[] MakeByteLetters()
    {
        var letters = new string[256];
        var next = 0x100;
        for (var value = 0; value < 256; value++)
        {
            var printable = value is (>= '!' and <= '~') or (>= 0xa1 and <= 0xac) or (>= 0xae and <= 0xff);
            letters[value] = ((char)(printable ? value : next++)).ToString();
        }

        return letters;
    }

    private enum CharacterKind
    {
        Letter,
        Number,
        Space,
        Other,
    }
}
