using BatchGen.Diffusion.Text;

namespace BatchGen.ReferenceCheck;

/// <summary><c>tokenizer_cases.json</c>: token ids, which must be equal.</summary>
internal static class TokenizerCases
{
    public static IEnumerable<(string Name, Func<CaseResult> Run)> All(ReferenceSets sets)
    {
        using var index = sets.Index("tokenizer_cases.json");
        if (index is null) yield break;
        var tokenizer = new Lazy<ClipTokenizer>(() =>
        {
            var folder = sets.VocabularyFolder() ?? throw new FileNotFoundException("no folder 'tokenizer' with vocab.json");
            return ClipTokenizer.Load(folder);
        });
        foreach (var item in index.RootElement.GetProperty("cases").EnumerateArray())
        {
            var name = "tokenizer/" + item.GetProperty("id").GetString();
            var prompt = item.GetProperty("prompt").GetString()!;
            var expected = item.GetProperty("ids_77").EnumerateArray().Select(id => id.GetInt64()).ToArray();
            yield return (name, () =>
            {
                var comparison = new Comparison(name);
                var actual = tokenizer.Value.EncodePadded(prompt);
                comparison.Add("count of differing ids",
                    actual.Zip(expected).Count(pair => pair.First != pair.Second) + Math.Abs(actual.Length - expected.Length), 0);
                return comparison.Result();
            });
        }
    }
}
