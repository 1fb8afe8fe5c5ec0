using System.Text;

namespace BatchGen.FuzzTests.Guided;

/// <summary>A reader of foreign input.</summary>
/// <param name="Name">Its name in reports and of its findings.</param>
/// <param name="Run">Reads an input; throws when it refuses it.</param>
/// <param name="IsRefusal">True for what the reader may throw.</param>
/// <param name="Seeds">Inputs to begin with.</param>
/// <param name="Words">Parts that inputs of this kind are made of.</param>
/// <param name="MaxMessage">Most letters that a refusal may have: it must not repeat a whole input.</param>
/// <param name="MaxBytes">Longest input in bytes: what comes before the reader lets no longer one pass.</param>
internal sealed record FuzzTarget(
    string Name, Action<byte[]> Run, Func<Exception, bool> IsRefusal, IReadOnlyList<byte[]> Seeds, IReadOnlyList<byte[]> Words,
    int MaxMessage, int MaxBytes = FuzzTarget.MostBytes)
{
    private const int MostBytes = 1 << 16;

    /// <summary>Texts as inputs.</summary>
    public static IReadOnlyList<byte[]> Texts(params IEnumerable<string> texts) => [.. texts.Select(Encoding.UTF8.GetBytes)];
}
