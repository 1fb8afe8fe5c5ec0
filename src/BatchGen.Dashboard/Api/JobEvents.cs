using System.Collections.Concurrent;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using BatchGen.Dashboard.Live;
using BatchGen.Queue;
using BatchGen.Queue.Signals;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace BatchGen.Dashboard.Api;

/// <summary>
/// Sends listeners of the API an event for each job that ends. However many listen, one connection receives the notifications of the
/// database, which only say that some jobs ended, and one query finds which ones and whose.
/// </summary>
internal sealed class JobEvents(EndedJobs ended, ILoggerFactory logging, TimeProvider clock) : BackgroundService
{
    private static readonly TimeSpan KeepAlive = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan RetryAfterFailure = TimeSpan.FromSeconds(5);

    // A listener that is so many events behind is disconnected: it connects again and looks at the results itself.
    private const int Backlog = 256;

    private readonly ConcurrentDictionary<Channel<JobsEvent>, byte> _listeners = new();
    private readonly ILogger _log = logging.CreateLogger<JobEvents>();
    private volatile TaskCompletionSource _listening = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>
    /// Events for one listener: <c>listening</c> once no job is missed any more, <c>ended</c> for each job, <c>missed</c> when some jobs
    /// could not be named, <c>ping</c> when nothing happened for 20 seconds.
    /// </summary>
    /// <param name="tenant">Sends jobs of this tenant only; null sends all.</param>
    /// <param name="campaign">Sends jobs of this campaign only; null sends all.</param>
    /// <param name="end">Cancelled when the listener disconnects or loses access: the events end, without an error.</param>
    public IAsyncEnumerable<SseItem<JobEventView>> ListenAsync(string? tenant, string? campaign, CancellationToken end) =>
        EventsAsync(tenant, campaign, end).WithPingsAsync(new SseItem<JobEventView>(new JobEventView(), SignOfLife.Name), clock, end);

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
                        Send(notice);
                        _listening.TrySetResult();
                    }
                }
                catch (Exception failure) when (!stoppingToken.IsCancellationRequested)
                {
                    if (_listening.Task.IsCompleted) _listening = new(TaskCreationOptions.RunContinuationsAsynchronously);
                    if (TransientRetry.KindOf(failure) is not null || failure is QueueException) _log.JobEventsFailed(failure.Message);
                    else _log.JobEventsBroke(failure);
                    await Task.Delay(RetryAfterFailure, clock, stoppingToken);
                    Send(new JobsEvent("missed", []));
                }
            }
        }
#pragma warning disable CA1031 // While the dashboard stops, a connection may end in any way.
        catch (Exception) when (stoppingToken.IsCancellationRequested)
#pragma warning restore CA1031
        {
            // The dashboard stops.
        }

        foreach (var listener in _listeners.Keys) listener.Writer.TryComplete();
    }

    private async IAsyncEnumerable<SseItem<JobEventView>> EventsAsync(
        string? tenant, string? campaign, [EnumeratorCancellation] CancellationToken end)
    {
        var channel = Channel.CreateBounded<JobsEvent>(Backlog);
        _listeners[channel] = 0;
        await using var ending = end.Register(() => channel.Writer.TryComplete());
        try
        {
            await _listening.Task.WaitAsync(end).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (end.IsCancellationRequested) yield break;
            yield return new(new JobEventView(), "listening");
            await foreach (var jobsEvent in channel.Reader.ReadAllAsync(CancellationToken.None))
            {
                if (jobsEvent.Name != "ended") yield return new(new JobEventView(), jobsEvent.Name);
                foreach (var job in jobsEvent.Jobs)
                {
                    if (end.IsCancellationRequested) yield break;
                    if ((tenant is null || string.Equals(job.Tenant, tenant, StringComparison.OrdinalIgnoreCase))
                        && (campaign is null || job.Campaign == campaign))
                        yield return new(new JobEventView(job.JobId, job.State, job.Campaign), jobsEvent.Name);
                }
            }
        }
        finally
        {
            _listeners.TryRemove(channel, out _);
        }
    }

    private void Send(EndedNotice notice)
    {
        if (!notice.IsComplete) Send(new JobsEvent("missed", []));
        else if (notice.Jobs.Count > 0) Send(new JobsEvent("ended", notice.Jobs));
    }

    private void Send(JobsEvent jobsEvent)
    {
        foreach (var listener in _listeners.Keys)
        {
            if (!listener.Writer.TryWrite(jobsEvent)) listener.Writer.TryComplete();
        }
    }

    private readonly record struct JobsEvent(string Name, IReadOnlyList<EndedJob> Jobs);
}

/// <summary>A job that ended, as an event shows it.</summary>
/// <param name="Id">Id of the job; null in events that are about no single job.</param>
/// <param name="State">State of the job: succeeded, failed or cancelled.</param>
/// <param name="Campaign">Campaign of the job, or null.</param>
public sealed record JobEventView(long? Id = null, string? State = null, string? Campaign = null);
