namespace BatchGen.Diffusion.Text;

/// <summary>One place of a chunk: a token, or a row of a learned word.</summary>
/// <param name="Id">The token; the end token's id stands where a learned word is.</param>
/// <param name="Weight">How much it counts.</param>
/// <param name="Embedding">The learned word, or null.</param>
/// <param name="Row">Which of its vectors.</param>
internal readonly record struct ChunkToken(int Id, double Weight, TextEmbedding? Embedding = null, int Row = 0);

/// <summary>Cuts a prompt into chunks of 75 tokens, each of which the text encoder reads by itself.</summary>
/// <remarks>
/// As AUTOMATIC1111/stable-diffusion-webui does (modules/sd_hijack_clip.py, tokenize_line): where a chunk would end inside a phrase whose
/// comma is at most 20 tokens back, the phrase goes to the next chunk whole.
/// </remarks>
internal static class PromptChunks
{
    private const int CommaReach = 20;

    /// <summary>The chunks of a prompt; at least one, which is empty for an empty prompt.</summary>
    public static List<List<ChunkToken>> Cut(
        ClipTokenizer tokenizer, IReadOnlyList<PromptPart> parts, IReadOnlyList<TextEmbedding> embeddings)
    {
        var size = tokenizer.MaxLength - 2;
        var comma = tokenizer.Encode(",") is [var id] ? id : -1;
        var chunks = new List<List<ChunkToken>> { new() };
        var lastComma = -1;
        foreach (var part in parts)
        {
            if (part.IsBreak)
            {
                chunks.Add([]);
                lastComma = -1;
                continue;
            }

            foreach (var (text, embedding) in SplitAtTriggers(part.Text, embeddings))
            {
                if (embedding is not null)
                {
                    // A learned word is never cut apart.
                    if (chunks[^1].Count + embedding.Length > size && chunks[^1].Count > 0) Next();
                    for (var row = 0; row < embedding.Length; row++)
                        chunks[^1].Add(new ChunkToken(tokenizer.EndId, part.Weight, embedding, row));
                    continue;
                }

                foreach (var token in tokenizer.Encode(text))
                {
                    if (token == comma)
                    {
                        if (chunks[^1].Count == size) Next();
                        lastComma = chunks[^1].Count;
                    }
                    else if (chunks[^1].Count == size)
                    {
                        var full = chunks[^1];
                        var carried = lastComma >= 0 && size - lastComma <= CommaReach ? full[(lastComma + 1)..] : [];
                        full.RemoveRange(full.Count - carried.Count, carried.Count);
                        Next();
                        chunks[^1].AddRange(carried);
                    }

                    chunks[^1].Add(new ChunkToken(token, part.Weight));
                }
            }
        }

        // A break at the very end, or a chunk begun for nothing, says nothing.
        if (chunks.Count > 1 && chunks[^1].Count == 0) chunks.RemoveAt(chunks.Count - 1);
        return chunks;

        void Next()
        {
            chunks.Add([]);
            lastComma = -1;
        }
    }

    private static IEnumerable<(string Text, TextEmbedding? Embedding)> SplitAtTriggers(
        string text, IReadOnlyList<TextEmbedding> embeddings)
    {
        if (embeddings.Count == 0)
        {
            yield return (text, null);
            yield break;
        }

        var start = 0;
        for (var at = 0; at < text.Length;)
        {
            // The longest trigger wins where several begin.
            var found = embeddings.Where(embedding => IsAt(text, at, embedding.Trigger)).MaxBy(embedding => embedding.Trigger.Length);
            if (found is null)
            {
                at++;
                continue;
            }

            if (at > start) yield return (text[start..at], null);
            yield return ("", found);
            at += found.Trigger.Length;
            start = at;
        }

        if (start < text.Length) yield return (text[start..], null);
    }

    private static bool IsAt(string text, int at, string trigger)
    {
        if (string.Compare(text, at, trigger, 0, trigger.Length, StringComparison.OrdinalIgnoreCase) != 0) return false;
        var end = at + trigger.Length;
        // A word by itself: 'cat' is not in 'catalogue'.
        return (at == 0 || !IsWord(text[at - 1]) || !IsWord(trigger[0]))
            && (end >= text.Length || !IsWord(text[end]) || !IsWord(trigger[^1]));
    }

    private static bool IsWord(char c) => char.IsLetterOrDigit(c) || c is '_' or '-';
}
