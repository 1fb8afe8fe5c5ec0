using System.Text;
using BatchGen.Core.Adapters;
using BatchGen.Core.Submitting;
using BatchGen.Diffusion.Text;
using BatchGen.FuzzTests.Guided;

namespace BatchGen.FuzzTests.Targets;

/// <summary>Readers of what people type.</summary>
internal static class PromptTargets
{
    private const int MaxMessage = 1000;
    private const int MaxPrompts = 200;

    // Of a prompt (JobFields).
    private const int MaxLetters = 20_000;

    private static readonly TimeReference Times = new(new DateTimeOffset(2026, 11, 30, 12, 0, 0, TimeSpan.Zero), TimeZoneInfo.Utc);
    private static readonly Lazy<ClipTokenizer> Published = new(() => ClipTokenizer.Published(padWithZero: false));

    private static readonly IReadOnlyList<byte[]> Words = FuzzTarget.Texts(
        "(", ")", "[", "]", ":1.2)", ":", "BREAK", "\\(", "{", "}", "|", "\\|", "\\{", ",", "<lora:", ">", "é", "ﬁ", "\u0301", "Å", "日本",
        "🎨", "\u200d",
        "\u0000", "'s", "don't", "１２", "ẞ", "\n");

    public static IReadOnlyList<FuzzTarget> All { get; } =
    [
        new("prompt-syntax", input => PromptSyntax.Parse(Text(input)), _ => false,
            FuzzTarget.Texts("a (big:1.2) [red] circle BREAK ((very)) \\(plain\\), (a (b:0.5):1.1)"), Words, MaxMessage, MaxLetters),
        new("tokenizer-text", input => Published.Value.Encode(Text(input)), _ => false,
            FuzzTarget.Texts("A photo of an astronaut's cat; it doesn't 日本 ﬁ é 123!", "ＡＢＣ Å 🎨👩‍🎨"), Words, MaxMessage, MaxLetters),
        new("prompt-template", Template, failure => failure is FormatException,
            FuzzTarget.Texts("a {red|blue} {circle|{big |}star} \\{plain\\}", "{a|b}{c|d}{e|f}"), Words, MaxMessage, MaxLetters),
        new("adapter-text", input => AdapterText.Parse(Text(input)), failure => failure is FormatException,
            FuzzTarget.Texts("ink@0.8+wash@0.5:0.25", "neon@0.8[1,0,0.5]", "a, b@1"),
            FuzzTarget.Texts("@", "+", ":", "[", "]", ",", "0.5", "-1", "1e5", "ink", " "), MaxMessage, MaxLetters),
        new("signature", input => AdapterSignature.Parse(Text(input)), failure => failure is FormatException,
            FuzzTarget.Texts("demo|", "demo|ink@0.8+wash@0.5:0.25", "demo|neon@0.8[1,0,0.5]"),
            FuzzTarget.Texts("|", "@", "+", ":", "[", "]", ",", "0.5", "-1", "1e5", "ink"), MaxMessage, MaxLetters),
        new("times", input => JobTimes.Parse(Text(input), Times), failure => failure is FormatException,
            FuzzTarget.Texts("22:00", "2026-12-24", "2026-12-24T06:00+01:00", "in 3 hours", "tomorrow 6:30", "+90m"),
            FuzzTarget.Texts(":", "-", "T", "Z", "+14:00", "in ", " hours", "tomorrow", "9999-12-31", "0001-01-01", "m", "24:00"),
                MaxMessage, MaxLetters),
        new("seeds", input => SeedList.Parse(Text(input)).Take(MaxPrompts).Count(), failure => failure is FormatException,
            FuzzTarget.Texts("1,2,3", "1-100", "5, 9-12, -3"), FuzzTarget.Texts("-", ",", " ", "..", "*"), MaxMessage, MaxLetters),
    ];

    private static string Text(byte[] input) => Encoding.UTF8.GetString(input);

    private static void Template(byte[] input)
    {
        var template = PromptTemplate.Parse(Text(input), new Dictionary<string, string> { ["colour"] = "red|{dark|} blue" });
        foreach (var prompt in template.Prompts().Take(MaxPrompts)) GC.KeepAlive(prompt);
    }
}
