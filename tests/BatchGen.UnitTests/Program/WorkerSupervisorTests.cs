using System.Collections.Concurrent;
using BatchGen.Composition;
using BatchGen.Diffusion.Rendering;
using BatchGen.Testing;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace BatchGen.UnitTests.Program;

/// <summary>Worker processes that cannot be started are tried again.</summary>
public sealed class WorkerSupervisorTests
{
    [Fact]
    public async Task A_worker_that_cannot_be_started_is_tried_again_after_growing_delays()
    {
        var clock = new FakeTimeProvider();
        var context = ProgramRun.Context(clock: clock, programPath: Path.Combine(AppContext.BaseDirectory, "no-such-program"));
        var log = new RecordedLines();
        using var supervisor = new WorkerSupervisor(context, Settings.Read(context), "", [null], log);
        await supervisor.StartAsync(TestContext.Current.CancellationToken);
        foreach (var delay in (int[])[1, 2, 4])
        {
            Assert.Matches(
                $"^Worker process 1 could not be started: .*no-such-program.*; it is tried again in {delay} s$",
                await log.NextAsync(clock));
            Assert.False(supervisor.ExecuteTask!.IsCompleted);
        }

        await supervisor.StopAsync(TestContext.Current.CancellationToken);
        Assert.True(supervisor.ExecuteTask!.IsCompletedSuccessfully);
    }

    [Fact]
    public async Task A_worker_process_has_one_arena_of_native_memory()
    {
        var program = Path.Combine(Directory.CreateTempSubdirectory("batchgen-program-").FullName, "program");
        await File.WriteAllTextAsync(
            program, $"#!/bin/sh\necho \"arenas: ${HostMemory.ArenaVariable}\" >&2\n", TestContext.Current.CancellationToken);
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        var said = new StringWriter();
        var context = ProgramRun.Context(programPath: program, error: TextWriter.Synchronized(said));
        using var supervisor = new WorkerSupervisor(context, Settings.Read(context), "", [null], new RecordedLines());
        await supervisor.StartAsync(TestContext.Current.CancellationToken);
        await Wait.UntilAsync("the process has spoken", () => said.ToString().Contains("arenas: ", StringComparison.Ordinal),
            TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        await supervisor.StopAsync(TestContext.Current.CancellationToken);
        Assert.Contains("arenas: 1\n", said.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_worker_is_started_again_when_nobody_reads_standard_error_any_more()
    {
        // A program that writes a line to standard error, whatever it is asked to do, and fails.
        var clock = new FakeTimeProvider();
        var context = ProgramRun.Context(clock: clock, programPath: "/bin/ls", error: new BrokenWriter(new IOException("Broken pipe")));
        var log = new RecordedLines();
        using var supervisor = new WorkerSupervisor(context, Settings.Read(context), "", [null], log);
        await supervisor.StartAsync(TestContext.Current.CancellationToken);
        for (var run = 1; run <= 2; run++)
        {
            Assert.StartsWith("Worker process 1 started as process", await log.NextAsync(clock), StringComparison.Ordinal);
            Assert.StartsWith("Worker process 1 died with exit code 2; it starts again", await log.NextAsync(clock),
                StringComparison.Ordinal);
        }

        await supervisor.StopAsync(TestContext.Current.CancellationToken);
        Assert.True(supervisor.ExecuteTask!.IsCompletedSuccessfully);
    }

    [Fact]
    public async Task An_error_that_is_not_known_does_not_end_the_supervision_of_a_worker()
    {
        var clock = new FakeTimeProvider();
        var broken = new BrokenWriter(new InvalidOperationException("nobody knows this error"));
        var context = ProgramRun.Context(clock: clock, programPath: "/bin/ls", error: broken);
        var log = new RecordedLines();
        using var supervisor = new WorkerSupervisor(context, Settings.Read(context), "", [null], log);
        await supervisor.StartAsync(TestContext.Current.CancellationToken);
        foreach (var delay in (int[])[1, 2])
        {
            Assert.StartsWith("Worker process 1 started as process", await log.NextAsync(clock), StringComparison.Ordinal);
            Assert.Equal($"Worker process 1 could not be looked after; it is tried again in {delay} s", await log.NextAsync(clock));
        }

        await supervisor.StopAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public void A_worker_that_hangs_ends_by_itself_before_the_supervisor_kills_it() =>
        Assert.True(WorkerHost.ShutdownMargin < WorkerSupervisor.StopMargin);

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 2)]
    [InlineData(4, 8)]
    [InlineData(50, 60)]
    public void The_delay_before_a_restart_doubles_with_each_death_up_to_a_minute(int deaths, int seconds) =>
        Assert.Equal(TimeSpan.FromSeconds(seconds), WorkerSupervisor.RestartDelay(deaths));

    private sealed class BrokenWriter(Exception failure) : StringWriter
    {
        public override Task WriteLineAsync(string? value) => throw failure;
    }

    private sealed class RecordedLines : ILogger<WorkerSupervisor>
    {
        private readonly ConcurrentQueue<string> _lines = new();

        /// <summary>The next line; time goes on until there is one.</summary>
        public async Task<string> NextAsync(FakeTimeProvider clock)
        {
            string? line = null;
            await Wait.UntilAsync(
                "the supervisor logged another line",
                () =>
                {
                    if (_lines.TryDequeue(out line)) return true;
                    clock.Advance(TimeSpan.FromSeconds(1));
                    return false;
                },
                cancellationToken: TestContext.Current.CancellationToken);
            return line!;
        }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            _lines.Enqueue(formatter(state, exception));
    }
}
