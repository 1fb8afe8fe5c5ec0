using BatchGen.Composition;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace BatchGen.Output;

/// <summary>A table of text without frame or colours: columns as wide as their contents, so that it is easy to read and to cut.</summary>
internal sealed class TextTable
{
    // Wider than any row: cells are never wrapped or shortened to fit a terminal that is not there.
    private const int UnlimitedWidth = 1 << 24;

    // A terminal narrower than this wraps lines by itself; shortening them further would leave nothing to read.
    private const int NarrowestLine = 40;

    private const int ColumnGap = 2;
    private readonly Table _table = new Table().NoBorder();

    /// <summary>Makes a table without rows.</summary>
    /// <param name="headers">Names of the columns.</param>
    public TextTable(params IReadOnlyList<string> headers)
    {
        for (var i = 0; i < headers.Count; i++)
        {
            var gap = i < headers.Count - 1 ? ColumnGap : 0;
            _table.AddColumn(new TableColumn(new Cell(headers[i])).NoWrap().PadLeft(0).PadRight(gap));
        }
    }

    /// <summary>Adds a row; control characters in its cells are written out, because a prompt could hold escape sequences.</summary>
    public void Add(params IEnumerable<string?> cells) => _table.AddRow(cells.Select(cell => new Cell(Printable.Line(cell))));

    /// <summary>Prints header and rows; lines that a terminal is too narrow for are shortened at their end.</summary>
    public void Print(ProgramContext context)
    {
        var options = RenderOptions.Create(context.Console, context.Console.Profile.Capabilities);
        var segments = ((IRenderable)_table).Render(options, UnlimitedWidth);
        var lines = string.Concat(segments.Select(segment => segment.Text)).ReplaceLineEndings("\n").TrimEnd('\n').Split('\n');
        var widest = context.IsTerminal ? Math.Max(NarrowestLine, context.Console.Profile.Width - 1) : UnlimitedWidth;
        foreach (var line in lines) context.Output.WriteLine(Shorten(line.TrimEnd(), widest));
    }

    // Width is counted in cells of the terminal: a Chinese character takes two.
    private static string Shorten(string line, int width)
    {
        if (line.Length <= width / 2 || line.GetCellWidth() <= width) return line;
        return Segment.Truncate(new Segment(line), width - 1)?.Text + "…";
    }

    /// <summary>Text that is never wrapped.</summary>
    /// <remarks>Spectre.Console's own text is taken apart into words, which makes a list of thousands of prompts take seconds.</remarks>
    private sealed class Cell(string text) : IRenderable
    {
        private readonly int _width = text.GetCellWidth();

        public Measurement Measure(RenderOptions options, int maxWidth) => new(_width, _width);

        public IEnumerable<Segment> Render(RenderOptions options, int maxWidth) => [new Segment(text)];
    }
}
