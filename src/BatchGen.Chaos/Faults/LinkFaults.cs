using BatchGen.Chaos.Network;

namespace BatchGen.Chaos.Faults;

/// <summary>What happens to the links between workers and servers: cut, refused, held, half-open, mute, slow.</summary>
internal sealed class LinkFaults(Stage stage)
{
    /// <summary>The faults of links.</summary>
    public IReadOnlyList<FaultKind> Kinds =>
    [
        new("link cut", 8, 0, 0, FaultTarget.AnyWorker, (fault, _) => OnceAsync(fault, link => link.Cut())),
        new("link half-open", 8, 0, 0, FaultTarget.AnyWorker, (fault, _) => OnceAsync(fault, link => link.LoseServer())),
        new("link refused", 5, 0.3, 1.3, FaultTarget.AnyWorker, (fault, _) => WhileAsync(fault, link => link.RefuseAsync(fault.Time))),
        new("link held", 6, 0.3, 0.8, FaultTarget.AnyWorker, (fault, _) => WhileAsync(fault, link => link.HoldAsync(fault.Time))),
        new("link held past the lease", 4, 1.2, 2, FaultTarget.AnyWorker, (fault, _) =>
            WhileAsync(fault, link => link.HoldAsync(fault.Time))),
        new("answers lost", 6, 0.3, 1, FaultTarget.AnyWorker, (fault, _) => WhileAsync(fault, link => link.MuteAsync(fault.Time))),
        new("link slow", 3, 0.8, 1.2, FaultTarget.AnyWorker, (fault, _) => WhileAsync(fault, link => link.SlowAsync(fault.Time))),
        new("all links held", 2, 0.4, 0.9, FaultTarget.Everything, (fault, _) =>
            WhileAsync(stage.Links.SelectMany(links => links), link => link.HoldAsync(fault.Time))),
    ];

    private Task<string> OnceAsync(Fault fault, Action<TcpProxy> strike)
    {
        foreach (var link in stage.Links[fault.Worker]) strike(link);
        return Task.FromResult("ok");
    }

    private Task<string> WhileAsync(Fault fault, Func<TcpProxy, Task> strike) => WhileAsync(stage.Links[fault.Worker], strike);

    private static async Task<string> WhileAsync(IEnumerable<TcpProxy> links, Func<TcpProxy, Task> strike)
    {
        await Task.WhenAll(links.Select(strike));
        return "ok";
    }
}
