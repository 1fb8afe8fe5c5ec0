using System.Globalization;
using System.Text;

namespace BatchGen.Core.Submitting;

/// <summary>
/// Reads comma-separated text (RFC 4180) row by row; also with ';' or tabs, which spreadsheets write in some countries.
/// </summary>
internal sealed class CsvText
{
    private readonly TextReader _reader;
    private readonly string _header;
    private readonly char _separator;
    private readonly StringBuilder _field = new();
    private int _at;
    private int _line = 1;

    private CsvText(TextReader reader)
    {
        _reader = reader;
        // The header holds names of fields only, so a separator that stands in it is the one of the file.
        _header = reader.ReadLine() is { } line ? line.TrimStart('\uFEFF') + '\n' : "";
        _separator = _header.Contains(',') ? ',' : _header.Contains(';') ? ';' : _header.Contains('\t') ? '\t' : ',';
    }

    /// <summary>Splits a text into rows; blank lines are left out.</summary>
    /// <exception cref="JobFileException">A quote is not closed, or stands inside a field that is not quoted.</exception>
    public static IEnumerable<CsvRow> Read(TextReader reader) => new CsvText(reader).Rows();

    private IEnumerable<CsvRow> Rows()
    {
        var fields = new List<string>();
        while (Peek() >= 0)
        {
            fields.Clear();
            var firstLine = _line;
            while (true)
            {
                _field.Clear();
                if (Peek() == '"') ReadQuoted();
                else ReadPlain();
                fields.Add(_field.ToString());
                if (Peek() == _separator) Next();
                else break;
            }

            SkipLineEnd();
            if (fields.Count > 1 || fields[0].Trim().Length > 0) yield return new CsvRow(firstLine, fields.ToArray());
        }
    }

    private void ReadQuoted()
    {
        var opened = _line;
        Next();
        while (Peek() >= 0)
        {
            var c = (char)Next();
            if (c == '"')
            {
                if (Peek() == '"')
                {
                    _field.Append((char)Next()); // A doubled quote is one quote.
                    continue;
                }

                if (Peek() >= 0 && Peek() != _separator && Peek() is not ('\r' or '\n'))
                    throw new JobFileException(
                        $"Line {_line}: text follows a closing quote; double the quotes inside a quoted field (\"\").");
                return;
            }

            if (c == '\n') _line++;
            if (_field.Length >= BoundedText.MostLettersOfLine)
            {
                throw new JobFileException(string.Create(CultureInfo.InvariantCulture,
                    $"Line {opened}: a quoted field is longer than {BoundedText.MostLettersOfLine:N0} letters; is its quote closed?"));
            }

            _field.Append(c);
        }

        throw new JobFileException($"Line {opened}: a quote is opened and never closed.");
    }

    private void ReadPlain()
    {
        for (; Peek() >= 0 && Peek() != _separator && Peek() is not ('\r' or '\n'); Next())
        {
            if (Peek() == '"')
            {
                throw new JobFileException(
                    $"Line {_line}: a quote stands inside a field; put the whole field into quotes and double the ones inside.");
            }

            _field.Append((char)Peek());
        }
    }

    private void SkipLineEnd()
    {
        if (Peek() < 0) return;
        if (Peek() == '\r') Next();
        if (Peek() == '\n') Next();
        _line++;
    }

    private int Peek() => _at < _header.Length ? _header[_at] : _reader.Peek();

    private int Next() => _at < _header.Length ? _header[_at++] : _reader.Read();
}

/// <summary>One row of a CSV text.</summary>
/// <param name="Line">Number of the line that the row starts on, from 1.</param>
/// <param name="Fields">Texts of the row's fields, without their quotes.</param>
internal sealed record CsvRow(int Line, string[] Fields);
