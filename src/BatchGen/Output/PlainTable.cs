using BatchGen.Composition;

namespace BatchGen.Output;

/// <summary>A table of plain text: columns as wide as their contents, no frame, easy to read and to cut.</summary>
internal sealed class PlainTable(params string[] headers)
{
    private readonly List<string[]> _rows = [];

    /// <summary>Adds a row; cells are made safe for a terminal.</summary>
    public void Add(params string?[] cells) => _rows.Add(cells.Select(cell => Printable.Line(cell)).ToArray());

    /// <summary>Prints the table; the last column is cut to the terminal's width.</summary>
    public void Print(ProgramContext context)
    {
        var widths = headers.Select((header, column) => _rows.Select(row => row[column].Length).Append(header.Length).Max()).ToArray();
        foreach (var row in _rows.Prepend(headers))
        {
            var line = string.Join("  ", row.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd();
            if (context.IsTerminal) line = Printable.Line(line, Math.Max(40, context.Console.Profile.Width - 1));
            context.Output.WriteLine(line);
        }
    }
}
