using BatchGen.Chaos.Servers;

namespace BatchGen.Chaos.Faults;

/// <summary>What happens to the database servers: crashed, restarted, failed over, connections ended, clocks that step.</summary>
internal sealed class ServerFaults(Stage stage)
{
    private const int MostCancels = 12;
    private static readonly TimeSpan CancelInterval = TimeSpan.FromMilliseconds(50);

    /// <summary>The faults of servers that this machine can do.</summary>
    public IReadOnlyList<FaultKind> Kinds
    {
        get
        {
            List<FaultKind> kinds =
            [
                new("server crashes", 5, 0, 0.5, FaultTarget.Everything, (fault, token) => RestartAsync(fault, ImmediateAsync, token)),
                new("server away past every lease", 2, 1.1, 1.5, FaultTarget.Everything, (fault, token) =>
                    RestartAsync(fault, ImmediateAsync, token)),
                new("server killed", 3, 0, 0.2, FaultTarget.Everything, (fault, token) => RestartAsync(fault, KilledAsync, token)),
                new("server restarted", 2, 0, 0.3, FaultTarget.Everything, (fault, token) => RestartAsync(fault, FastAsync, token)),
                new("failover to the standby", 4, 0, 0.4, FaultTarget.Everything, (fault, token) =>
                    stage.Servers.FailOverAsync(fault.Time, token)),
                new("connections of a worker ended", 9, 0, 0, FaultTarget.AnyWorker, (fault, token) =>
                    CallAsync("terminate_backends", token, stage.Workers[fault.Worker].Name, int.MaxValue)),
                new("one connection of a worker ended", 6, 0, 0, FaultTarget.AnyWorker, (fault, token) =>
                    CallAsync("terminate_backends", token, stage.Workers[fault.Worker].Name, 1)),
                new("connections of all workers ended", 2, 0, 0, FaultTarget.Everything, (_, token) =>
                    CallAsync("terminate_backends", token, "worker-%", int.MaxValue)),
                new("statements of a worker cancelled", 4, 0, 0, FaultTarget.AnyWorker, CancelStatementsAsync),
                new("leases looked at by a client", 2, 0, 0, FaultTarget.Everything, (_, token) => CallAsync("rescue_now", token)),
            ];
            if (stage.ServerClock.LibraryPath is null) return kinds;
            kinds.Add(new("server clock steps forward", 3, 0, 0, FaultTarget.Everything, (fault, _) =>
                Task.FromResult(stage.ServerClock.Step(30 + (fault.Salt % 4000)))));
            kinds.Add(new("server clock steps back", 2, 0, 0, FaultTarget.Everything, (fault, _) =>
                Task.FromResult(stage.ServerClock.Step(-2 - (fault.Salt % 8)))));
            return kinds;
        }
    }

    private static Task ImmediateAsync(PostgresNode node) => node.StopAsync("immediate", CancellationToken.None);

    private static Task FastAsync(PostgresNode node) => node.StopAsync("fast", CancellationToken.None);

    private static Task KilledAsync(PostgresNode node)
    {
        node.Kill();
        return Task.CompletedTask;
    }

    private Task<string> RestartAsync(Fault fault, Func<PostgresNode, Task> stop, CancellationToken cancellationToken) =>
        stage.Servers.RestartAsync(stop, fault.Time, cancellationToken);

    // Statements are short: what runs is cancelled a few times.
    private async Task<string> CancelStatementsAsync(Fault fault, CancellationToken cancellationToken)
    {
        var cancelled = new List<string>();
        for (var i = 0; i < MostCancels; i++)
        {
            cancelled.Add(await CallAsync("cancel_statements", cancellationToken, stage.Workers[fault.Worker].Name));
            await Task.Delay(CancelInterval, stage.Clock, cancellationToken);
        }

        return string.Join(' ', cancelled);
    }

    private Task<string> CallAsync(string statement, CancellationToken cancellationToken, params object[] values) =>
        stage.Servers.CallAsync(statement, cancellationToken, values);
}
