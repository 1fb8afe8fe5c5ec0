using System.Globalization;
using System.Text;
using BatchGen.Composition;
using BatchGen.Output;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace BatchGen.UnitTests.Program;

/// <summary>No crafted name reaches a terminal as it is: not in results, errors, tables or what is drawn anew in place.</summary>
public class TerminalTextTests
{
    /// <summary>What a terminal obeys or hides: a title, a cursor, a return, bidirectional overrides, marks without width, tags.</summary>
    public static TheoryData<string> Crafted { get; } =
    [
        "\u001b]0;owned\u0007", "\u001b[2J", "\u009b31m", "a\rb", "\u202Eevil", "\u2066x\u2069", "zero\u200Bwidth", "\uFEFF", "\u2028line",
        "\U000E0041tag", "\0", "\u007f", "\u0008back", "\ud800half",
    ];

    [Theory]
    [MemberData(nameof(Crafted))]
    public void Everything_that_is_printed_has_what_a_terminal_would_obey_written_out(string crafted)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        var context = ProgramRun.Context(output: output, error: error);
        context.Output.WriteLine(crafted);
        context.Output.Write(crafted.ToCharArray());
        foreach (var c in crafted) context.Output.Write(c);
        context.Output.Write("{0}", crafted);
        context.Error.WriteLine(crafted.AsSpan());
        AssertSafe(output.ToString());
        AssertSafe(error.ToString());
    }

    [Theory]
    [MemberData(nameof(Crafted))]
    public async Task Everything_that_is_printed_without_waiting_is_written_out_too(string crafted)
    {
        var output = new StringWriter();
        var context = ProgramRun.Context(output: output);
        await context.Output.WriteLineAsync(crafted);
        await context.Output.WriteAsync(crafted);
        await context.Output.WriteLineAsync(crafted.AsMemory(), TestContext.Current.CancellationToken);
        await context.Output.WriteLineAsync(crafted.ToCharArray());
        AssertSafe(output.ToString());
    }

    [Theory]
    [MemberData(nameof(Crafted))]
    public async Task An_error_that_names_what_was_given_shows_it_written_out(string crafted)
    {
        foreach (var arguments in (string[][])[["submit", crafted], ["show", crafted + ".png"], [crafted], ["jobs", "--state", crafted]])
        {
            var run = await ProgramRun.RunAsync(arguments);
            Assert.NotEqual(ExitCodes.Success, run.ExitCode);
            AssertSafe(run.Error);
            AssertSafe(run.Output);
        }
    }

    [Theory]
    [MemberData(nameof(Crafted))]
    public void Tables_write_unsafe_characters_out_and_what_is_drawn_in_place_holds_blanks_instead(string crafted)
    {
        var (printed, drawn) = (new StringWriter(), new StringWriter());
        var table = new TextTable("prompt");
        table.Add(crafted);
        table.Print(ProgramRun.Context(output: printed));
        AssertSafe(printed.ToString());
        Assert.Contains(TerminalText.EscapeLine(crafted), printed.ToString(), StringComparison.Ordinal);
        ProgramRun.Context(output: drawn).Console.Write(new TerminalView(new Text(crafted)));
        AssertSafe(drawn.ToString());
        Assert.DoesNotContain("\\u", drawn.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void The_librarys_own_sequences_pass_and_those_of_names_do_not()
    {
        var view = new TerminalView(new SegmentList([Segment.Control("\u001b[1A"), new Segment("a\u001b[2Jb"), Segment.LineBreak]));
        var options = RenderOptions.Create(ProgramRun.Context().Console);
        Assert.Equal(["\u001b[1A", "a [2Jb", "\n"], view.Render(options, 80).Select(segment => segment.Text));
    }

    [Fact]
    public void Letters_of_all_languages_and_emoji_pass()
    {
        const string Text = "Grüße, 雪の降る夜, مرحبا, नमस्ते, 👩\u200D🚀 and\ttabs\r\nand lines\n";
        Assert.Same(Text, TerminalText.Escape(Text));
    }

    [Fact]
    public void Text_that_is_written_out_means_the_same_in_JSON()
    {
        const string Name = "a\u202Eb\U000E0041c";
        var json = TerminalText.Escape($"\"{Name}\"");
        AssertSafe(json);
        Assert.Equal(Name, System.Text.Json.JsonSerializer.Deserialize<string>(json));
    }

    [Fact]
    public void A_name_with_an_end_of_line_cannot_look_like_a_message_of_its_own() =>
        Assert.Equal("There is no campaign 'x\n  batchgen: all is well'.",
            Printable.Message("There is no campaign 'x\nbatchgen: all is well'."));

    private static void AssertSafe(string text)
    {
        Assert.All(text.ReplaceLineEndings("\n").EnumerateRunes(), rune => Assert.True(
            rune.Value is '\n' or '\t' || Rune.GetUnicodeCategory(rune)
                is not (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator
                    or UnicodeCategory.ParagraphSeparator),
            $"U+{rune.Value:X4} in {text}"));
    }

    private sealed class SegmentList(IReadOnlyList<Segment> segments) : IRenderable
    {
        public Measurement Measure(RenderOptions options, int maxWidth) => new(1, maxWidth);

        public IEnumerable<Segment> Render(RenderOptions options, int maxWidth) => segments;
    }
}
