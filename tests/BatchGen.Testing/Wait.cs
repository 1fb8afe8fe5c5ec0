using System.Diagnostics;
using System.Globalization;

namespace BatchGen.Testing;

/// <summary>Waits in tests; a wait that takes too long fails with what was waited for, for how long, and what was seen last.</summary>
/// <remarks>What is waited for is said as a statement that is true at the end: "the job is running", "two
/// sessions wait at the gate".</remarks>
public static class Wait
{
    /// <summary>How long a wait may take when it names no limit; ample for two busy processor cores.</summary>
    public static readonly TimeSpan DefaultLimit = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(20);

    /// <summary>Waits until a condition holds.</summary>
    /// <param name="what">The statement that is to become true.</param>
    /// <param name="condition">Looked at every 20 ms; an exception ends the wait at once.</param>
    /// <param name="limit">How long the wait may take; a minute when not given.</param>
    /// <param name="cancellationToken">Ends the wait, for example when the test run is stopped.</param>
    /// <exception cref="TimeoutException">The condition does not hold yet.</exception>
    public static Task UntilAsync(string what, Func<bool> condition, TimeSpan? limit = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(condition);
        return UntilAsync(what, () => Task.FromResult(condition()), holds => holds, limit, cancellationToken);
    }

    /// <summary>Waits until a condition holds that is looked up, for example in a database.</summary>
    /// <inheritdoc cref="UntilAsync(string, Func{bool}, TimeSpan?, CancellationToken)"/>
    public static Task UntilAsync(
        string what, Func<Task<bool>> condition, TimeSpan? limit = null, CancellationToken cancellationToken = default) =>
            UntilAsync(what, condition, holds => holds, limit, cancellationToken);

    /// <summary>Waits until a value is as wanted, and returns it. A failure shows the value seen last, so prefer this
    /// to a bare condition.</summary>
    /// <param name="what">The statement that is to become true.</param>
    /// <param name="look">Reads the value, every 20 ms; an exception ends the wait at once.</param>
    /// <param name="holds">Whether the value is as wanted.</param>
    /// <param name="limit">How long the wait may take; a minute when not given.</param>
    /// <param name="cancellationToken">Ends the wait, for example when the test run is stopped.</param>
    /// <exception cref="TimeoutException">The value is not as wanted yet, or reading it did not return.</exception>
    public static async Task<T> UntilAsync<T>(
        string what, Func<Task<T>> look, Func<T, bool> holds, TimeSpan? limit = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(look);
        ArgumentNullException.ThrowIfNull(holds);
        var atMost = limit ?? DefaultLimit;
        var started = Stopwatch.GetTimestamp();
        var seen = "nothing yet";
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var looking = look();
            // A look that never returns, such as a query behind a lock, must not hang the test.
            if (!await EndsAsync(looking, atMost - Stopwatch.GetElapsedTime(started), cancellationToken))
                throw TooLong(what, started, seen + ", and then a look that did not return");
            var value = await looking;
            if (holds(value)) return value;
            seen = Describe(value);
            if (Stopwatch.GetElapsedTime(started) >= atMost) throw TooLong(what, started, seen);
            await Task.Delay(Interval, cancellationToken);
        }
    }

    /// <summary>Waits until a task ends, and passes its exception on.</summary>
    /// <param name="what">What the task does, as a statement: "the worker process ended".</param>
    /// <param name="task">The task.</param>
    /// <param name="limit">How long the wait may take; a minute when not given.</param>
    /// <param name="cancellationToken">Ends the wait, for example when the test run is stopped.</param>
    /// <exception cref="TimeoutException">The task has not ended yet.</exception>
    public static async Task ForAsync(string what, Task task, TimeSpan? limit = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(task);
        var started = Stopwatch.GetTimestamp();
        if (!await EndsAsync(task, limit ?? DefaultLimit, cancellationToken)) throw TooLong(what, started, $"a task that is {task.Status}");
        await task;
    }

    /// <summary>Waits for the result of a task.</summary>
    /// <inheritdoc cref="ForAsync(string, Task, TimeSpan?, CancellationToken)"/>
    public static async Task<T> ForAsync<T>(
        string what, Task<T> task, TimeSpan? limit = null, CancellationToken cancellationToken = default)
    {
        await ForAsync(what, (Task)task, limit, cancellationToken);
        return await task;
    }

    private static async Task<bool> EndsAsync(Task task, TimeSpan limit, CancellationToken cancellationToken)
    {
        if (task.IsCompleted) return true;
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var ended = await Task.WhenAny(task, Task.Delay(limit > TimeSpan.Zero ? limit : TimeSpan.Zero, stop.Token)) == task;
        await stop.CancelAsync();
        cancellationToken.ThrowIfCancellationRequested();
        return ended;
    }

    private static TimeoutException TooLong(string what, long started, string seen) => new(string.Create(CultureInfo.InvariantCulture,
        $"Waited {Stopwatch.GetElapsedTime(started).TotalSeconds:0.#} s until {what}; the last value seen was {seen}."));

    private static string Describe(object? value) => value switch
    {
        null => "null",
        string text => $"\"{text}\"",
        System.Collections.IEnumerable list => "[" + string.Join(", ", list.Cast<object?>().Take(20).Select(Describe)) + "]",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "null",
    };
}
