namespace BatchGen.UnitTests.Documents;

/// <summary>Splits C# or SQL source into code, comments and string literals, so that each can be searched alone.</summary>
/// <remarks>The code keeps its line breaks; comments and the contents of strings are blanked out of it.</remarks>
internal sealed class SourceScanner
{
    private readonly string _source;
    private readonly char[] _code;
    private readonly List<(int Line, string Text)> _comments = [];
    private readonly List<(int Line, string Text)> _strings = [];
    private int _at;

    private SourceScanner(string source)
    {
        _source = source;
        _code = source.ToCharArray();
    }

    /// <summary>Source text without comments and string contents.</summary>
    public string Code => new(_code);

    /// <summary>Comments with the line on which each begins.</summary>
    public IReadOnlyList<(int Line, string Text)> Comments => _comments;

    /// <summary>Contents of string literals with the line on which each begins.</summary>
    public IReadOnlyList<(int Line, string Text)> Strings => _strings;

    /// <summary>Reads C# source.</summary>
    public static SourceScanner OfCSharp(string source)
    {
        var scanner = new SourceScanner(source);
        scanner.ReadCSharp(endsAtBrace: false);
        return scanner;
    }

    /// <summary>Reads SQL source; the text between dollar quotes counts as code.</summary>
    public static SourceScanner OfSql(string source)
    {
        var scanner = new SourceScanner(source);
        while (scanner._at < source.Length)
        {
            if (scanner.Looks("--")) scanner.TakeComment(scanner.EndOfLine());
            else if (scanner.Looks("/*")) scanner.TakeComment(scanner.After("*/"));
            else if (source[scanner._at] == '\'') scanner.TakeSqlString();
            else scanner._at++;
        }

        return scanner;
    }

    private void ReadCSharp(bool endsAtBrace)
    {
        var depth = 0;
        while (_at < _source.Length)
        {
            if (Looks("//")) TakeComment(EndOfLine());
            else if (Looks("/*")) TakeComment(After("*/"));
            else if (_source[_at] == '\'') SkipCharacter();
            else if (_source[_at] is '"' or '$' or '@' && IsString(out var dollars, out var verbatim)) TakeString(dollars, verbatim);
            else if (endsAtBrace && _source[_at] == '}' && depth-- == 0) return;
            else
            {
                if (_source[_at] == '{') depth++;
                _at++;
            }
        }
    }

    // Whether a string literal begins here, with any prefix of $ and @.
    private bool IsString(out int dollars, out bool verbatim)
    {
        (dollars, verbatim) = (0, false);
        var at = _at;
        for (; at < _source.Length && _source[at] is '$' or '@'; at++)
        {
            if (_source[at] == '$') dollars++;
            else verbatim = true;
        }

        return at < _source.Length && _source[at] == '"';
    }

    private void TakeString(int dollars, bool verbatim)
    {
        while (_source[_at] != '"') _at++;
        var quotes = 0;
        while (_at + quotes < _source.Length && _source[_at + quotes] == '"') quotes++;
        if (quotes == 2) // An empty string.
        {
            _at += 2;
            return;
        }

        var raw = quotes >= 3;
        var begin = _at += raw ? quotes : 1;
        while (_at < _source.Length)
        {
            if (raw ? Looks(new string('"', quotes)) : _source[_at] == '"' && !(verbatim && Looks("\"\""))) break;
            if (!raw && !verbatim && _source[_at] == '\\') _at += 2;
            else if (verbatim && Looks("\"\"")) _at += 2;
            else if (dollars > 0 && !raw && (Looks("{{") || Looks("}}"))) _at += 2;
            else if (dollars > 0 && Looks(new string('{', raw ? dollars : 1))) ReadHole(raw ? dollars : 1);
            else _at++;
        }

        Take(_strings, begin, Math.Min(_at, _source.Length));
        _at += raw ? quotes : 1;
    }

    // The expression in an interpolated string is code of its own.
    private void ReadHole(int braces)
    {
        _at += braces;
        ReadCSharp(endsAtBrace: true);
        _at += braces;
    }

    private void SkipCharacter()
    {
        _at++;
        while (_at < _source.Length && _source[_at] is not '\'' and not '\n') _at += _source[_at] == '\\' ? 2 : 1;
        _at++;
    }

    private void TakeSqlString()
    {
        var begin = ++_at;
        while (_at < _source.Length && (_source[_at] != '\'' || Looks("''"))) _at += Looks("''") ? 2 : 1;
        Take(_strings, begin, Math.Min(_at, _source.Length));
        _at++;
    }

    private void TakeComment(int end)
    {
        Take(_comments, _at, end);
        _at = end;
    }

    private void Take(List<(int Line, string Text)> list, int begin, int end)
    {
        list.Add((_source.AsSpan(0, begin).Count('\n') + 1, _source[begin..end]));
        for (var i = begin; i < end; i++)
        {
            if (_code[i] != '\n') _code[i] = ' ';
        }
    }

    private bool Looks(string text) => string.CompareOrdinal(_source, _at, text, 0, text.Length) == 0;

    private int EndOfLine() => _source.IndexOf('\n', _at) is >= 0 and var end ? end : _source.Length;

    private int After(string text) =>
        _source.IndexOf(text, _at, StringComparison.Ordinal) is >= 0 and var end ? end + text.Length : _source.Length;
}
