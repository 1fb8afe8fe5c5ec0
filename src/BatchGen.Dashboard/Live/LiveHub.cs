using System.Collections.Concurrent;
using System.Text;
using System.Threading.Channels;
using BatchGen.Core.Jobs;
using BatchGen.Dashboard.Api;
using BatchGen.Dashboard.Pages.Tonight;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Web;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace BatchGen.Dashboard.Live;

/// <summary>Pushes what changed to every open page: read, rendered and encoded once a second, however many look.</summary>
internal sealed class LiveHub(LiveSource source, IServiceScopeFactory scopes, ILoggerFactory logging, TimeProvider clock) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan KeepAlive = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan RetryAfterFailure = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<Viewer, byte> _viewers = new();
    private readonly SemaphoreSlim _wake = new(0);
    private readonly ILogger _log = logging.CreateLogger<LiveHub>();

    /// <summary>How things stand, then what happens, for one viewer, until they leave.</summary>
    public async IAsyncEnumerable<LiveTick> SubscribeAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
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
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await WarmUpAsync(stoppingToken);
        IReadOnlyList<LiveMessage> shown = [];
        var quietSince = clock.GetTimestamp();
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                // Everyone who came has left a permit, also while others looked: all of them are taken before it looks for nobody.
                while (_viewers.IsEmpty) await _wake.WaitAsync(stoppingToken);

                var snapshot = await source.GetAsync(stoppingToken);
                var now = await RenderAsync(snapshot, stoppingToken);
                List<LiveMessage> changed = [.. now.Except(shown)];
                shown = now;
                if (changed.Count == 0 && clock.GetElapsedTime(quietSince) > KeepAlive) changed.Add(new LiveMessage(LiveTick.Ping, ""));
                if (changed.Count > 0) quietSince = clock.GetTimestamp();
                Tell(changed.Count > 0 ? LiveTick.Of(changed, snapshot.Counts) : null, now, snapshot.Counts);
                await Task.Delay(Interval, clock, stoppingToken);
            }
            catch (Exception failure) when (failure is Npgsql.NpgsqlException or Queue.QueueException or TimeoutException)
            {
                // The pages stay as they are until the database answers again.
                _log.LiveUpdateFailed(failure.Message);
                await Task.Delay(RetryAfterFailure, clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                break;
            }
        }

        foreach (var viewer in _viewers.Keys) viewer.Ticks.Writer.TryComplete();
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _wake.Dispose();
        base.Dispose();
    }

    // The first page of a fresh process pays for opening connections and compiling: this does it before anybody waits.
    private async Task WarmUpAsync(CancellationToken cancellationToken)
    {
        try
        {
            var snapshot = await source.GetAsync(cancellationToken);
            using var scope = scopes.CreateScope();
            await using var renderer = new HtmlRenderer(scope.ServiceProvider, logging);
            await renderer.Dispatcher.InvokeAsync(async () => (await renderer.RenderComponentAsync<TonightPage>(
                ParameterView.FromDictionary(new Dictionary<string, object?>(StringComparer.Ordinal) { ["Model"] = snapshot }))).ToHtmlString());
            await source.ForgetAsync(cancellationToken); // Nobody has seen it: the first viewer gets fresh numbers, the slow ones too.
        }
        catch (Exception failure) when (failure is Npgsql.NpgsqlException or Queue.QueueException or TimeoutException)
        {
            _log.LiveUpdateFailed(failure.Message);
        }
    }

    private async Task<IReadOnlyList<LiveMessage>> RenderAsync(LiveSnapshot snapshot, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        using var scope = scopes.CreateScope();
        await using var renderer = new HtmlRenderer(scope.ServiceProvider, logging);
        var messages = new List<LiveMessage>();
        foreach (var (name, component) in TonightFragments.All)
        {
            messages.Add(new LiveMessage(name, await renderer.Dispatcher.InvokeAsync(async () => (await renderer.RenderComponentAsync(
                component, ParameterView.FromDictionary(new Dictionary<string, object?>(StringComparer.Ordinal) { ["Model"] = snapshot }))).ToHtmlString())));
        }

        var counts = snapshot.Counts;
        messages.Add(new LiveMessage(LiveTick.CountsChanged, $"{counts.Queued} {counts.Running} {counts.Succeeded} {counts.Failed} {counts.Cancelled} {counts.Verified}"));
        return messages;
    }

    private void Tell(LiveTick? news, IReadOnlyList<LiveMessage> all, JobCounts counts)
    {
        LiveTick? everything = null;
        foreach (var viewer in _viewers.Keys)
        {
            if (!viewer.IsCurrent) viewer.IsCurrent = viewer.Ticks.Writer.TryWrite(everything ??= LiveTick.Of(all, counts));
            else if (news is not null) viewer.IsCurrent = viewer.Ticks.Writer.TryWrite(news);
        }
    }

    private sealed class Viewer
    {
        // Who does not read for this many messages misses some, and then gets everything once more.
        private const int Backlog = 16;

        public Channel<LiveTick> Ticks { get; } = Channel.CreateBounded<LiveTick>(Backlog);

        /// <summary>Whether it was told how things stand and has missed nothing since; only the hub's own loop looks at it.</summary>
        public bool IsCurrent { get; set; }
    }
}

/// <summary>What happened in one second, encoded once for all viewers.</summary>
/// <param name="Page">Events for open pages.</param>
/// <param name="Counts">Event for listeners of the API; empty when no count changed.</param>
internal sealed record LiveTick(ReadOnlyMemory<byte> Page, ReadOnlyMemory<byte> Counts)
{
    /// <summary>Name of the event that says so.</summary>
    public const string CountsChanged = "changed";

    /// <summary>Name of the event that only keeps the connection alive.</summary>
    public const string Ping = "ping";

    /// <summary>Encodes it.</summary>
    public static LiveTick Of(IReadOnlyList<LiveMessage> changed, JobCounts counts) => new(
        Encoding.UTF8.GetBytes(string.Concat(changed.Select(LiveEndpoints.Format))),
        changed.Any(message => message.Name == CountsChanged) || changed is [{ Name: Ping }]
            ? Encoding.UTF8.GetBytes(LiveEndpoints.Format(new LiveMessage("counts", System.Text.Json.JsonSerializer.Serialize(counts, ApiJson.Compact))))
            : ReadOnlyMemory<byte>.Empty);
}

/// <summary>A server-sent event.</summary>
/// <param name="Name">Fragment it replaces, or <c>changed</c>.</param>
/// <param name="Data">Rendered HTML.</param>
internal readonly record struct LiveMessage(string Name, string Data);
