using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace BatchGen.Core.Monitoring;

/// <summary>The one meter and the one source of spans of the program; what they are called is public and listed in
/// docs/operations.md.</summary>
public static class Telemetry
{
    /// <summary>Name of the meter and of the source of spans.</summary>
    public const string Name = "BatchGen";

    // From a fusion of a small adapter to a batch of large images.
    private static readonly InstrumentAdvice<double> Seconds = new()
    {
        HistogramBucketBoundaries = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600],
    };

    private static readonly Meter Meter = new(Name);

    /// <summary>Begins the spans of a worker.</summary>
    public static ActivitySource Spans { get; } = new(Name);

    /// <summary>A number that only grows.</summary>
    /// <param name="name">Name of the instrument, such as <c>batchgen.claims</c>.</param>
    /// <param name="unit">Its unit, such as <c>{claim}</c>.</param>
    /// <param name="description">What is counted.</param>
    public static Counter<long> Counter(string name, string unit, string description) => Meter.CreateCounter<long>(name, unit, description);

    /// <summary>A number that grows and shrinks.</summary>
    /// <param name="name">Name of the instrument.</param>
    /// <param name="unit">Its unit, such as <c>{worker}</c>.</param>
    /// <param name="description">What is counted.</param>
    public static UpDownCounter<long> Balance(string name, string unit, string description) =>
        Meter.CreateUpDownCounter<long>(name, unit, description);

    /// <summary>How long something takes, in seconds.</summary>
    /// <param name="name">Name of the instrument.</param>
    /// <param name="description">What is timed.</param>
    public static Histogram<double> Duration(string name, string description) =>
        Meter.CreateHistogram(name, "s", description, tags: null, Seconds);

    /// <summary>A meter of its own for what is read when somebody asks; whoever makes it disposes of it with what is read.</summary>
    public static Meter Readings() => new(Name);
}

/// <summary>Names of the spans of a worker, in the order in which a batch goes through them.</summary>
public static class SpanNames
{
    /// <summary>A batch is claimed.</summary>
    public const string Claim = "claim";

    /// <summary>A claimed batch is worked on, to its checkpoint.</summary>
    public const string Batch = "batch";

    /// <summary>A model is put on the device.</summary>
    public const string Load = "load";

    /// <summary>The adapters of a signature are fused.</summary>
    public const string Fuse = "fuse";

    /// <summary>The steps of a tensor batch.</summary>
    public const string Steps = "steps";

    /// <summary>Latents of a tensor batch become pixels.</summary>
    public const string Decode = "decode";

    /// <summary>Images are encoded, written and recorded.</summary>
    public const string Save = "save";

    /// <summary>Adapters are taken off.</summary>
    public const string Unload = "unload";

    /// <summary>The base is checksummed.</summary>
    public const string Verify = "verify";
}

/// <summary>Runs work inside of a span.</summary>
public static class Span
{
    /// <summary>Runs work inside of a span, which says when the work failed.</summary>
    public static T Run<T>(string name, Func<T> work)
    {
        ArgumentNullException.ThrowIfNull(work);
        using var span = Telemetry.Spans.StartActivity(name);
        try
        {
            return work();
        }
        catch (Exception error) when (Note(span, error))
        {
            throw;
        }
    }

    /// <summary>Runs work inside of a span, which says when the work failed.</summary>
    public static async Task<T> RunAsync<T>(string name, Func<Task<T>> work)
    {
        ArgumentNullException.ThrowIfNull(work);
        using var span = Telemetry.Spans.StartActivity(name);
        try
        {
            return await work();
        }
        catch (Exception error) when (Note(span, error))
        {
            throw;
        }
    }

    /// <summary>Runs work inside of a span, which says when the work failed.</summary>
    public static Task RunAsync(string name, Func<Task> work) => RunAsync(name, async () =>
    {
        await work();
        return true;
    });

    // Never true: the error is only looked at. A stop is no error.
    private static bool Note(Activity? span, Exception error)
    {
        if (error is not OperationCanceledException) span?.SetStatus(ActivityStatusCode.Error, error.GetType().Name);
        return false;
    }
}
