using System.Globalization;
using BatchGen.Dashboard.Live;
using BatchGen.Queue.Reports;
using BatchGen.Queue.Schedules;

namespace BatchGen.Dashboard.Pages.Queue;

/// <summary>Reads what the queue page shows.</summary>
internal sealed class QueueModelReader(QueueOverview overview, LiveSource live, WindowStore windows, DisplayFormat display)
{
    private const int PageSize = 50;
    private const int HighestPriority = 100;

    /// <summary>Reads a page of signatures, and everything beside it.</summary>
    /// <param name="priority">Priority of the last row of the page before; null begins with the first row.</param>
    /// <param name="signature">Its signature.</param>
    /// <param name="group">Its dispatch group.</param>
    /// <param name="cancellationToken">Cancels the queries.</param>
    public async Task<QueueModel> ReadAsync(int? priority, string? signature, int? group, CancellationToken cancellationToken)
    {
        var waiting = await overview.ListSignaturesAsync(
            priority ?? HighestPriority, signature ?? "", group ?? 0, PageSize, cancellationToken);
        var snapshot = await live.GetAsync(cancellationToken);
        return new QueueModel
        {
            Rows = waiting.Select(row => RowOf(row, snapshot)).ToArray(),
            Counts = snapshot.Counts,
            Scheduled = await overview.CountScheduledAsync(cancellationToken),
            Paused = await overview.ListPausedAsync(cancellationToken),
            Windows = (await windows.ListAsync(cancellationToken)).Select(window => new WindowRow(window, StateOf(window))).ToArray(),
            NextAddress = waiting.Count < PageSize ? null : NextAddress(waiting[^1]),
        };
    }

    private static QueueRow RowOf(WaitingSignature row, LiveSnapshot snapshot)
    {
        var worker = snapshot.Workers.FirstOrDefault(
            worker => worker.Details.Signature == row.Signature && worker.Details.BatchId is not null);
        return new QueueRow(
            row, worker?.Details.Name, snapshot.PerMinute is > 0 and var rate ? TimeSpan.FromMinutes(row.Waiting / rate) : null);
    }

    private static string NextAddress(WaitingSignature last) => Page.Address(
        "/queue",
        new("priority", last.Priority.ToString(CultureInfo.InvariantCulture)),
        new("after", last.Signature),
        new("group", last.GroupId.ToString(CultureInfo.InvariantCulture)));

    private string StateOf(DispatchWindow window) =>
        !window.Enabled ? "off" : WindowState.IsOpenNow(window, display.Now) ? "open" : "closed";
}
