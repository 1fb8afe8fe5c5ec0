using BatchGen.Dashboard.Reports;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace BatchGen.Dashboard.Standstills;

/// <summary>Calls an address of the operator's every minute while all is well: silence there means that somebody must look here.</summary>
/// <remarks>All is well while the database answers and the queue does not stand still.</remarks>
internal sealed class DeadMansSwitch(
    StandstillWatch watch, DashboardOptions options, TimeProvider clock, ILogger<DeadMansSwitch> log) : BackgroundService
{
    /// <summary>Name of the setting with the address.</summary>
    public const string Setting = "BatchGen:Dashboard:DeadMansSwitchUrl";

    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    private bool _failed;

    /// <summary>Calls the address once if all is well; a call that fails is logged once, until one succeeds again.</summary>
    /// <returns>True when the address was called and took it.</returns>
    public async Task<bool> PingAsync(CancellationToken cancellationToken)
    {
        if (options.DeadMansSwitchUrl.Length == 0 || !watch.IsWell) return false;
        try
        {
            await WebhookCall.PostAsync(Setting, options.DeadMansSwitchUrl, key: null, makeContent: null, cancellationToken);
            if (_failed) log.PingsSucceedAgain();
            _failed = false;
            return true;
        }
        catch (HttpRequestException failure)
        {
            if (!_failed) log.PingFailed(failure.Message);
            _failed = true;
            return false;
        }
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (options.DeadMansSwitchUrl.Length == 0) return;
        using var timer = new PeriodicTimer(Interval, clock);
        try
        {
            // The first look of the watch comes first.
            while (await timer.WaitForNextTickAsync(stoppingToken)) await TryAsync(stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Asked to stop: whoever watches the address notices the silence.
        }
    }

    private async Task TryAsync(CancellationToken cancellationToken)
    {
        try
        {
            await PingAsync(cancellationToken);
        }
#pragma warning disable CA1031 // A loop that goes on whatever happens; the silence is what tells.
        catch (Exception error) when (error is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
#pragma warning restore CA1031
        {
            if (!_failed) log.PingFailed(error.Message);
            _failed = true;
        }
    }
}
