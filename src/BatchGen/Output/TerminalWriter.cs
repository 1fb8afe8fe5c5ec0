using System.Text;

namespace BatchGen.Output;

/// <summary>Standard output or standard error of the program: everything that a command prints passes here on its way to a terminal, and
/// characters that a terminal would obey are written out.</summary>
internal sealed class TerminalWriter : TextWriter
{
    private readonly TextWriter _inner;

    private TerminalWriter(TextWriter inner)
        : base(inner.FormatProvider)
    {
        _inner = inner;
        CoreNewLine = inner.NewLine.ToCharArray();
    }

    /// <inheritdoc/>
    public override Encoding Encoding => _inner.Encoding;

    /// <summary>A writer before another; one that is such a writer already is returned as it is.</summary>
    public static TextWriter Over(TextWriter inner) => inner as TerminalWriter ?? new TerminalWriter(inner);

    // Whoever writes half of a character outside the basic plane sees it written out: two halves could be an unsafe whole.

    /// <inheritdoc/>
    public override void Write(char value) => _inner.Write(TerminalText.Escape(value.ToString()));

    /// <inheritdoc/>
    public override void Write(string? value) => _inner.Write(TerminalText.Escape(value));

    /// <inheritdoc/>
    public override void Write(char[] buffer, int index, int count) => Write(new string(buffer, index, count));

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<char> buffer) => Write(buffer.ToString());

    // A line is one call to the writer behind, so that lines of several threads do not mix.

    /// <inheritdoc/>
    public override void WriteLine() => _inner.WriteLine();

    /// <inheritdoc/>
    public override void WriteLine(string? value) => _inner.WriteLine(TerminalText.Escape(value));

    /// <inheritdoc/>
    public override void WriteLine(ReadOnlySpan<char> buffer) => WriteLine(buffer.ToString());

    /// <inheritdoc/>
    public override Task WriteAsync(char value) => _inner.WriteAsync(TerminalText.Escape(value.ToString()));

    /// <inheritdoc/>
    public override Task WriteAsync(string? value) => _inner.WriteAsync(TerminalText.Escape(value));

    /// <inheritdoc/>
    public override Task WriteAsync(char[] buffer, int index, int count) => WriteAsync(new string(buffer, index, count));

    /// <inheritdoc/>
    public override Task WriteAsync(ReadOnlyMemory<char> buffer, CancellationToken cancellationToken = default) =>
        _inner.WriteAsync(TerminalText.Escape(buffer.ToString()).AsMemory(), cancellationToken);

    /// <inheritdoc/>
    public override Task WriteLineAsync() => _inner.WriteLineAsync();

    /// <inheritdoc/>
    public override Task WriteLineAsync(char value) => WriteLineAsync(value.ToString());

    /// <inheritdoc/>
    public override Task WriteLineAsync(string? value) => _inner.WriteLineAsync(TerminalText.Escape(value));

    /// <inheritdoc/>
    public override Task WriteLineAsync(char[] buffer, int index, int count) => WriteLineAsync(new string(buffer, index, count));

    /// <inheritdoc/>
    public override Task WriteLineAsync(ReadOnlyMemory<char> buffer, CancellationToken cancellationToken = default) =>
        _inner.WriteLineAsync(TerminalText.Escape(buffer.ToString()).AsMemory(), cancellationToken);

    /// <inheritdoc/>
    public override void Flush() => _inner.Flush();

    /// <inheritdoc/>
    public override Task FlushAsync() => _inner.FlushAsync();

    /// <inheritdoc/>
    public override Task FlushAsync(CancellationToken cancellationToken) => _inner.FlushAsync(cancellationToken);

    /// <summary>What the writer behind says, which for one in memory is all that was written.</summary>
    public override string ToString() => _inner.ToString() ?? "";
}
