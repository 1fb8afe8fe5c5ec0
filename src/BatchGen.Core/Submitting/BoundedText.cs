using System.Globalization;
using System.Text;

namespace BatchGen.Core.Submitting;

/// <summary>Reads a list of jobs and refuses a line or a whole text that is too long, before it takes memory: such a file is damaged, or is
/// no list.</summary>
/// <param name="text">The list; disposed of with this reader.</param>
internal sealed class BoundedText(TextReader text) : TextReader
{
    /// <summary>Most letters of a line; a prompt has at most 20,000.</summary>
    public const int MostLettersOfLine = 16 << 20;

    /// <summary>Most letters of a text that can only be read whole.</summary>
    public const int MostLettersOfText = 256 << 20;

    private int _line = 1;
    private int _letters;

    /// <inheritdoc/>
    public override int Peek() => text.Peek();

    /// <inheritdoc/>
    public override int Read()
    {
        var letter = text.Read();
        if (letter == '\n') (_line, _letters) = (_line + 1, 0);
        else if (++_letters > MostLettersOfLine)
            throw TooLong($"Line {_line} is longer than {MostLettersOfLine:N0} letters.");
        return letter;
    }

    /// <inheritdoc/>
    public override string ReadToEnd()
    {
        var whole = new StringBuilder();
        var part = new char[1 << 16];
        while (text.Read(part) is var count and > 0)
        {
            if (whole.Length + count > MostLettersOfText)
                throw TooLong($"The file is longer than {MostLettersOfText:N0} letters and is not a list with one job a line.");
            whole.Append(part, 0, count);
        }

        return whole.ToString();
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing) text.Dispose();
        base.Dispose(disposing);
    }

    private static JobFileException TooLong(FormattableString what) => new(
        what.ToString(CultureInfo.InvariantCulture) + " Expected a list of jobs as CSV, JSON or JSON lines; is it another file?");
}
