using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace BatchGen.Testing;

/// <summary>A log whose lines a test reads.</summary>
public sealed class RecordedLog : ILogger, ILoggerProvider
{
    private readonly ConcurrentQueue<string> _lines = new();

    /// <summary>Every line logged so far.</summary>
    public IReadOnlyCollection<string> Lines => _lines;

    /// <summary>Waits until a line holds a text.</summary>
    public Task UntilAsync(string text, CancellationToken cancellationToken) => Wait.UntilAsync(
        $"a line was logged that holds '{text}'",
        () => Task.FromResult(string.Join('\n', _lines)),
        lines => lines.Contains(text, StringComparison.Ordinal),
        cancellationToken: cancellationToken);

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        ArgumentNullException.ThrowIfNull(formatter);
        _lines.Enqueue(formatter(state, exception));
    }

    public void Dispose()
    {
        // Nothing is held.
    }
}
