using BatchGen.Dashboard.Reports;
using BatchGen.Queue.Reports;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace BatchGen.Dashboard.Standstills;

/// <summary>Looks every few seconds whether the queue stands still, and says each change once, in the log and to the webhook.</summary>
/// <remarks>After a restart a standstill that goes on is said once more, under the same key.</remarks>
internal sealed class StandstillWatch(
    StandstillFinder finder, StandstillNotifier notifier, TimeProvider clock, ILogger<StandstillWatch> log) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    // A look that failed for so long tells nothing about now.
    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(1);

    private readonly SemaphoreSlim _turn = new(1);
    private IReadOnlyList<Standstill> _current = [];
    private long? _lookedAt;
    private bool _failed;

    /// <summary>Why the queue stood still at the last look.</summary>
    public IReadOnlyList<Standstill> Current => Volatile.Read(ref _current);

    /// <summary>True when the database was asked within the last minute, and the queue does not stand still.</summary>
    public bool IsWell => _lookedAt is { } at && clock.GetElapsedTime(at) < Lifetime && Current.Count == 0;

    /// <summary>Looks once, and says what changed since the last look.</summary>
    public async Task LookAsync(CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            var (before, now) = (Current, await finder.FindAsync(cancellationToken));
            Volatile.Write(ref _current, now);
            _lookedAt = clock.GetTimestamp();
            foreach (var began in now.Where(found => !before.Any(found.IsSameAs)))
            {
                log.StandstillBegan(began.Since, began.What, began.Remedy);
                notifier.Add(StandstillNotice.Began(began));
            }

            foreach (var ended in before.Where(found => !now.Any(found.IsSameAs)))
            {
                log.StandstillEnded(ended.Since, ended.What);
                notifier.Add(StandstillNotice.Ended(ended));
            }
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _turn.Dispose();
        base.Dispose();
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await LookAsync(stoppingToken);
                _failed = false;
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
#pragma warning disable CA1031 // Whatever it was, the next look may succeed.
            catch (Exception error)
#pragma warning restore CA1031
            {
                if (!_failed) log.StandstillUnknown(error.Message);
                _failed = true;
            }

            await Task.Delay(Interval, clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
