using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using BatchGen.Core.Jobs;
using BatchGen.Dashboard.Pages;
using BatchGen.Dashboard.Pages.Parts;
using BatchGen.Dashboard.Pages.Tonight;
using BatchGen.Dashboard.Standstills;
using BatchGen.Queue;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace BatchGen.Dashboard.Live;

/// <summary>Pushes what changed to every open page: read, rendered and encoded once a second, however many look.</summary>
internal sealed class LiveHub(
    LiveSource source, StandstillWatch standstills, ComponentHtml html, ILogger<LiveHub> log, TimeProvider clock) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan RetryAfterFailure = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<Viewer, byte> _viewers = new();
    private readonly SemaphoreSlim _wake = new(0);

    /// <summary>For one viewer: how things stand, and then what changes, until they leave.</summary>
    public async IAsyncEnumerable<LiveTick> SubscribeAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var viewer = new Viewer();
        _viewers[viewer] = 0;
        _wake.Release();
        try
        {
            await foreach (var tick in viewer.Ticks.Reader.ReadAllAsync(cancellationToken)) yield return tick;
        }
        finally
        {
            _viewers.TryRemove(viewer, out _);
        }
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _wake.Dispose();
        base.Dispose();
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await WarmUpAsync(stoppingToken);
        IReadOnlyList<LiveMessage> shown = [];
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                // Everybody who came has left a permit, also while others looked: all of them are taken before the hub looks for nobody.
                while (_viewers.IsEmpty) await _wake.WaitAsync(stoppingToken);

                var snapshot = await source.GetAsync(stoppingToken);
                var now = await RenderAsync(snapshot, stoppingToken);
                List<LiveMessage> changed = [.. now.Except(shown)];
                shown = now;
                Send(changed.Count > 0 ? LiveTick.Of(changed, snapshot.Counts) : null, now, snapshot.Counts);
                await Task.Delay(Interval, clock, stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                break;
            }
#pragma warning disable CA1031 // A loop that goes on whatever happens: the pages stay as they are until the next update succeeds.
            catch (Exception failure)
#pragma warning restore CA1031
            {
                LogFailure(failure);
                await Task.Delay(RetryAfterFailure, clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }

        foreach (var viewer in _viewers.Keys) viewer.Ticks.Writer.TryComplete();
    }

    // The first page of a fresh process pays for opening connections and compiling: this does it before anybody waits.
    private async Task WarmUpAsync(CancellationToken cancellationToken)
    {
        try
        {
            await html.RenderAsync<TonightPage, LiveSnapshot>(await source.GetAsync(cancellationToken));
            // Nobody has seen the numbers: the first viewer gets fresh ones, the slow ones too.
            await source.ForgetAsync(cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The dashboard stops; the loop finds that too.
        }
#pragma warning disable CA1031 // Warming up only saves the first viewer time: what failed fails again where it is reported.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            LogFailure(failure);
        }
    }

    // The parts of the page 'Tonight', each under the name that its section carries in data-live, and for all other pages the counts and
    // whether the queue stands still.
    private async Task<IReadOnlyList<LiveMessage>> RenderAsync(LiveSnapshot snapshot, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var counts = snapshot.Counts;
        return
        [
            new("summary", await html.RenderAsync<TonightSummary, LiveSnapshot>(snapshot)),
            new("workers", await html.RenderAsync<TonightWorkers, LiveSnapshot>(snapshot)),
            new("newest", await html.RenderAsync<TonightNewest, LiveSnapshot>(snapshot)),
            new("checkpoints", await html.RenderAsync<TonightCheckpoints, LiveSnapshot>(snapshot)),
            new("standstill", await html.RenderAsync<StandstillBanner, StandstillModel>(new StandstillModel(standstills.Current))),
            new(LiveTick.CountsChanged,
                $"{counts.Queued} {counts.Running} {counts.Succeeded} {counts.Failed} {counts.Cancelled} {counts.Verified}"),
        ];
    }

    private void Send(LiveTick? changes, IReadOnlyList<LiveMessage> all, JobCounts counts)
    {
        LiveTick? everything = null;
        foreach (var viewer in _viewers.Keys)
        {
            if (!viewer.IsCurrent) viewer.IsCurrent = viewer.Ticks.Writer.TryWrite(everything ??= LiveTick.Of(all, counts));
            else if (changes is not null) viewer.IsCurrent = viewer.Ticks.Writer.TryWrite(changes);
        }
    }

    // An error that is not of the database is a fault of the program: it is logged with the place it comes from.
    private void LogFailure(Exception failure)
    {
        if (TransientRetry.KindOf(failure) is not null || failure is QueueException) log.LiveUpdateFailed(failure.Message);
        else log.LiveUpdateBroke(failure);
    }

    private sealed class Viewer
    {
        // A viewer that leaves this many ticks unread misses some, and then gets everything once more.
        private const int Backlog = 16;

        public Channel<LiveTick> Ticks { get; } = Channel.CreateBounded<LiveTick>(Backlog);

        /// <summary>Whether the viewer got how things stand and has missed nothing since; only the hub's own loop looks at it.</summary>
        public bool IsCurrent { get; set; }
    }
}
