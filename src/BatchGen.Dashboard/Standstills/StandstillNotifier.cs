using System.Globalization;
using System.Threading.Channels;
using BatchGen.Dashboard.Reports;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace BatchGen.Dashboard.Standstills;

/// <summary>Posts notices of standstills to the webhook, in order, each until the receiver has taken it or a day has passed.</summary>
internal sealed class StandstillNotifier(
    ReportWebhook webhook, DashboardOptions options, TimeProvider clock, ILogger<StandstillNotifier> log) : BackgroundService
{
    // Nobody wants a pile of old news: what lies beyond is dropped, the oldest first.
    private const int MostPending = 100;

    private static readonly TimeSpan FirstDelay = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LongestDelay = TimeSpan.FromMinutes(15);
    private static readonly TimeSpan Lifetime = TimeSpan.FromDays(1);

    private readonly Channel<StandstillNotice> _pending = Channel.CreateBounded<StandstillNotice>(
        new BoundedChannelOptions(MostPending) { FullMode = BoundedChannelFullMode.DropOldest });

    /// <summary>Adds a notice; nothing happens in a process that runs no recurring work, or without a webhook.</summary>
    public void Add(StandstillNotice notice)
    {
        if (options.RunRecurringWork && webhook.IsSet) _pending.Writer.TryWrite(notice);
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await foreach (var notice in _pending.Reader.ReadAllAsync(stoppingToken)) await PostAsync(notice, stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Asked to stop; a standstill that goes on is noticed again after the next start.
        }
    }

    private async Task PostAsync(StandstillNotice notice, CancellationToken cancellationToken)
    {
        var key = string.Create(
            CultureInfo.InvariantCulture, $"standstill-{notice.Standstill}-{notice.State}-{notice.Since.ToUnixTimeMilliseconds()}");
        var (delay, started) = (FirstDelay, clock.GetTimestamp());
        while (!await TryPostAsync(notice, key, cancellationToken))
        {
            // Given up after a day; each try was logged.
            if (clock.GetElapsedTime(started) >= Lifetime) return;
            await Task.Delay(delay, clock, cancellationToken);
            delay = delay * 2 < LongestDelay ? delay * 2 : LongestDelay;
        }
    }

    private async Task<bool> TryPostAsync(StandstillNotice notice, string key, CancellationToken cancellationToken)
    {
        try
        {
            await webhook.PostAsync(notice, key, cancellationToken);
            return true;
        }
        catch (HttpRequestException)
        {
            // The webhook has logged why.
            return false;
        }
#pragma warning disable CA1031 // A loop that goes on whatever happens: the next try may succeed.
        catch (Exception error) when (error is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
#pragma warning restore CA1031
        {
            log.NoticeBroke(notice.Title, error);
            return false;
        }
    }
}
