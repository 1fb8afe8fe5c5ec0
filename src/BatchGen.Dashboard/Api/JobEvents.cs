using System.Collections.Concurrent;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using System.Threading.RateLimiting;
using BatchGen.Queue.Signals;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace BatchGen.Dashboard.Api;

/// <summary>Tells listeners of the API which jobs ended. One connection hears it and one query says whose jobs they are, however many listen.</summary>
internal sealed class JobEvents(EndedJobs ended, ILoggerFactory logging, TimeProvider clock) : BackgroundService
{
    /// <summary>Name of the limit on listeners.</summary>
    public const string RateLimit = "job-events";

    private static readonly TimeSpan KeepAlive = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan RetryAfterFailure = TimeSpan.FromSeconds(5);

    // One that is so many notices behind is let go: it connects again and looks at the results itself.
    private const int Backlog = 256;

    private readonly ConcurrentDictionary<Channel<Told>, byte> _listeners = new();
    private readonly ILogger _log = logging.CreateLogger<JobEvents>();
    private volatile TaskCompletionSource _listening = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Listeners of one caller at the same time; one more is refused.</summary>
    public static RateLimitPartition<string> Limit(HttpContext context) => RateLimitPartition.GetConcurrencyLimiter(
        "events " + context.User.Identity?.Name, _ => new ConcurrencyLimiterOptions { PermitLimit = 16, QueueLimit = 0 });

    /// <summary>Events for one listener: <c>listening</c> once nothing is missed any more, <c>ended</c> for each job, <c>missed</c> when some could not be named, <c>ping</c> now and then.</summary>
    /// <param name="tenant">Only jobs of this tenant; null tells of all.</param>
    /// <param name="campaign">Only jobs of this campaign; null tells of all.</param>
    /// <param name="cancellationToken">The listener left.</param>
    public async IAsyncEnumerable<SseItem<JobEventView>> ListenAsync(string? tenant, string? campaign, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var channel = Channel.CreateBounded<Told>(Backlog);
        _listeners[channel] = 0;
        try
        {
            await _listening.Task.WaitAsync(cancellationToken);
            yield return new(new JobEventView(), "listening");
            await foreach (var told in channel.Reader.ReadAllAsync(cancellationToken))
            {
                if (told.Kind != "ended") yield return new(new JobEventView(), told.Kind);
                foreach (var job in told.Jobs)
                {
                    if ((tenant is null || string.Equals(job.Tenant, tenant, StringComparison.OrdinalIgnoreCase)) && (campaign is null || job.Campaign == campaign))
                        yield return new(new JobEventView(job.JobId, told.State, job.Campaign), told.Kind);
                }
            }
        }
        finally
        {
            _listeners.TryRemove(channel, out _);
        }
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (!stoppingToken.IsCancellationRequested)
            {
                try
                {
                    await foreach (var notice in ended.ListenAsync(KeepAlive, stoppingToken))
                    {
                        Tell(await DescribeAsync(notice, stoppingToken));
                        _listening.TrySetResult();
                    }
                }
                catch (Exception failure) when (failure is Npgsql.NpgsqlException or Queue.QueueException or TimeoutException or IOException)
                {
                    if (_listening.Task.IsCompleted) _listening = new(TaskCreationOptions.RunContinuationsAsynchronously);
                    _log.JobEventsFailed(failure.Message);
                    await Task.Delay(RetryAfterFailure, clock, stoppingToken);
                    Tell(new Told("missed", "", []));
                }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The dashboard stops.
        }

        foreach (var listener in _listeners.Keys) listener.Writer.TryComplete();
    }

    private async Task<Told> DescribeAsync(EndedNotice notice, CancellationToken cancellationToken) => notice switch
    {
        { Count: 0 } => new Told("ping", "", []),
        { JobIds: null } => new Told("missed", "", []),
        _ when _listeners.IsEmpty => new Told("ended", notice.State, []),
        _ => new Told("ended", notice.State, await ended.DescribeAsync(notice.JobIds, cancellationToken)),
    };

    private void Tell(Told told)
    {
        foreach (var listener in _listeners.Keys)
        {
            if (!listener.Writer.TryWrite(told)) listener.Writer.TryComplete();
        }
    }

    private readonly record struct Told(string Kind, string State, IReadOnlyList<EndedJob> Jobs);
}

/// <summary>A job that ended.</summary>
/// <param name="Id">The job; null in events that tell of none.</param>
/// <param name="State">succeeded, failed or cancelled.</param>
/// <param name="Campaign">Its campaign.</param>
public sealed record JobEventView(long? Id = null, string? State = null, string? Campaign = null);
