using BatchGen.Output;

namespace BatchGen.UnitTests.Program;

public sealed class TextTableTests
{
    private static readonly string LongPrompt = string.Join(' ', Enumerable.Repeat("a red circle", 40));

    [Fact]
    public void A_redirected_table_has_columns_as_wide_as_their_contents_and_no_trailing_blanks()
    {
        Assert.Equal(
            """
            NAME       ROLE
            anna       operator
            bartholom  viewer

            """,
            Print(new TextTable("NAME", "ROLE"), ["anna", "operator"], ["bartholom", "viewer"]));
    }

    [Fact]
    public void A_redirected_table_keeps_long_texts_whole_whatever_the_width_of_a_terminal()
    {
        var printed = Print(new TextTable("ID", "PROMPT"), ["1", LongPrompt], ["2", "short"]);
        Assert.Equal($"ID  PROMPT\n1   {LongPrompt}\n2   short\n", printed);
    }

    [Fact]
    public void A_table_on_a_terminal_shortens_lines_at_their_end_to_its_width()
    {
        var terminal = new ScriptedTerminal(width: 60);
        var printed = Print(new TextTable("ID", "PROMPT"), terminal, ["1", LongPrompt], ["2", "short"]);
        Assert.Equal($"ID  PROMPT\n1   {LongPrompt[..54]}…\n2   short\n", printed);
    }

    [Fact]
    public void Columns_stay_aligned_when_letters_take_two_cells_of_the_terminal()
    {
        var printed = Print(new TextTable("NAME", "ROLE"), ["漢字", "viewer"], ["anna", "viewer"]);
        Assert.Equal("NAME  ROLE\n漢字  viewer\nanna  viewer\n", printed);
    }

    [Fact]
    public void A_line_of_wide_letters_is_shortened_by_the_cells_it_takes()
    {
        var printed = Print(new TextTable("PROMPT"), new ScriptedTerminal(width: 51), [new string('漢', 100)]);
        Assert.Equal($"PROMPT\n{new string('漢', 24)}…\n", printed);
    }

    [Fact]
    public void Markup_and_control_characters_in_a_cell_are_printed_as_plain_text() =>
        Assert.Equal("PROMPT\n[red]a[/]\\t\\u001b[31mb\n", Print(new TextTable("PROMPT"), ["[red]a[/]\t\u001b[31mb"]));

    private static string Print(TextTable table, params string[][] rows) => Print(table, terminal: null, rows);

    private static string Print(TextTable table, ScriptedTerminal? terminal, params string[][] rows)
    {
        var output = new StringWriter();
        foreach (var row in rows) table.Add(row);
        table.Print(ProgramRun.Context(output: output, terminal: terminal));
        return output.ToString().ReplaceLineEndings("\n");
    }
}
