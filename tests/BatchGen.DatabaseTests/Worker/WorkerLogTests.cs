using System.Collections.Concurrent;
using BatchGen.Core.Failures;
using BatchGen.Core.Jobs;
using BatchGen.Testing;
using Microsoft.Extensions.Logging;
using Xunit;

namespace BatchGen.DatabaseTests.Worker;

/// <summary>Every line that a worker logs while it works on a batch names the batch, and the job where there is one.</summary>
public sealed class WorkerLogTests
{
    [Fact]
    public async Task Lines_name_the_batch_and_jobs_that_they_belong_to_and_no_other_batch()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddModelAsync(native: 64);
        await database.AddAdaptersAsync("ink", "neon", "wash");
        var ids = await database.SubmitAsync("ink", "ink", "neon", "wash");
        using var log = new ScopedLog();
        var renderer = new FakeRenderer
        {
            OnRender = (jobs, _) =>
            {
                // On the device thread, as the real renderer logs.
                log.Log(LogLevel.Information, default, "Rendering", null, static (text, _) => text);
                if (jobs.Any(job => job.JobId == ids[1])) throw new GenerationException("not a number");
            },
            OnPrefetch = _ => throw new AdapterException("unreadable"),
        };
        await WorkerHost.RunAsync(database, renderer, log);

        var rendering = log.Lines.Where(line => line.Message == "Rendering").ToArray();
        Assert.True(rendering.Length >= 5, $"{rendering.Length} lines");
        Assert.All(rendering, line => Assert.Contains("BatchId", line.Scope.Keys));
        Assert.All(rendering, line => Assert.True(line.Scope.ContainsKey("JobId") || line.Scope.ContainsKey("JobIds")));
        var failed = Assert.Single(log.Lines, line => line.Message.StartsWith("Job ", StringComparison.Ordinal));
        Assert.Equal(ids[1], failed.Scope["JobId"]);
        // What is claimed ahead belongs to the next batch, while the one before is worked on.
        var prefetches = log.Lines.Where(line => line.Message.Contains("could not be read ahead", StringComparison.Ordinal)).ToArray();
        Assert.NotEmpty(prefetches);
        foreach (var line in prefetches)
        {
            var signature = line.Message.Split(' ')[2];
            Assert.Equal(await database.SqlAsync<long>("select id from batches where signature = $1", signature), line.Scope["BatchId"]);
        }

        foreach (var line in log.Lines.Where(line => line.Message.StartsWith("Finished batch ", StringComparison.Ordinal)))
            Assert.Equal(line.Message.Split(' ')[2], $"{line.Scope["BatchId"]}");
    }

    /// <summary>Keeps lines with what the scopes around them say.</summary>
    private sealed class ScopedLog : ILoggerProvider, ISupportExternalScope, ILogger
    {
        private IExternalScopeProvider _scopes = new LoggerExternalScopeProvider();

        public ConcurrentQueue<(string Message, Dictionary<string, object?> Scope)> Lines { get; } = new();

        public ILogger CreateLogger(string categoryName) => this;

        public void SetScopeProvider(IExternalScopeProvider scopeProvider) => _scopes = scopeProvider;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => _scopes.Push(state);

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            var scope = new Dictionary<string, object?>(StringComparer.Ordinal);
            _scopes.ForEachScope(static (part, values) => Add(part, values), scope);
            Lines.Enqueue((formatter(state, exception), scope));
        }

        public void Dispose()
        {
        }

        private static void Add(object? part, Dictionary<string, object?> values)
        {
            if (part is not IEnumerable<KeyValuePair<string, object>> pairs) return;
            foreach (var (name, value) in pairs) values[name] = value;
        }
    }
}
