using BatchGen.Composition;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Spectre.Console;

namespace BatchGen.UnitTests.Program;

/// <summary>What happens to worker processes that do not run.</summary>
public sealed class WorkerSupervisorTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task A_worker_that_cannot_be_started_is_tried_again_later()
    {
        var clock = new FakeTimeProvider();
        var context = Context(clock);
        var log = new Lines();
        using var supervisor = new WorkerSupervisor(context, Settings.Read(context), "", [null], log) { Program = Path.Combine(AppContext.BaseDirectory, "no-such-program") };
        await supervisor.StartAsync(TestContext.Current.CancellationToken);
        foreach (var delay in (int[])[1, 2, 4])
        {
            Assert.Matches($"^Worker process 1 could not be started: .*no-such-program.*; it is tried again in {delay} s$", await log.NextAsync(clock));
            Assert.False(supervisor.ExecuteTask!.IsCompleted);
        }

        await supervisor.StopAsync(TestContext.Current.CancellationToken);
        Assert.True(supervisor.ExecuteTask!.IsCompletedSuccessfully);
    }

    private static ProgramContext Context(TimeProvider clock) => new()
    {
        Input = TextReader.Null, Output = TextWriter.Null, Error = TextWriter.Null, Console = AnsiConsole.Console, IsTerminal = false, Clock = clock, HomeFolder = AppContext.BaseDirectory,
    };

    private sealed class Lines : ILogger<WorkerSupervisor>
    {
        private readonly System.Collections.Concurrent.ConcurrentQueue<string> _lines = new();

        /// <summary>The next line; time goes on until there is one.</summary>
        public async Task<string> NextAsync(FakeTimeProvider clock)
        {
            using var limit = new CancellationTokenSource(Limit);
            string? line;
            while (!_lines.TryDequeue(out line))
            {
                await Task.Delay(20, limit.Token);
                clock.Advance(TimeSpan.FromSeconds(1));
            }

            return line;
        }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => _lines.Enqueue(formatter(state, exception));
    }
}
