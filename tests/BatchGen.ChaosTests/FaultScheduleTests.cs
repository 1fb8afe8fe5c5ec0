using BatchGen.Chaos;
using BatchGen.Chaos.Faults;
using BatchGen.Chaos.Processes;

namespace BatchGen.ChaosTests;

public sealed class FaultScheduleTests
{
    private static readonly FaultKind[] Kinds =
    [
        Kind("often", 10, FaultTarget.AnyWorker), Kind("mortal", 3, FaultTarget.MortalWorker), Kind("rare", 1, FaultTarget.Everything),
    ];

    [Fact]
    public void A_seed_gives_the_same_faults_again_and_another_seed_others()
    {
        Assert.Equal(FaultSchedule.Draw(Options(4), Kinds), FaultSchedule.Draw(Options(4), Kinds));
        Assert.NotEqual(FaultSchedule.Draw(Options(4), Kinds), FaultSchedule.Draw(Options(5), Kinds));
    }

    [Fact]
    public void Every_kind_comes_first_once_and_then_by_its_weight()
    {
        var faults = FaultSchedule.Draw(Options(4), Kinds);
        Assert.Equal(Kinds.Length, faults.Take(Kinds.Length).Select(fault => fault.Kind).Distinct().Count());
        Assert.InRange(faults.Count, 300, 500);
        Assert.InRange(faults.Count(fault => fault.Kind.Name == "often"), faults.Count / 2, faults.Count * 9 / 10);
        Assert.Equal(faults.Select(fault => fault.At).Order(), faults.Select(fault => fault.At));
    }

    [Fact]
    public void The_last_worker_is_killed_by_no_fault_and_struck_by_others()
    {
        var faults = FaultSchedule.Draw(Options(4), Kinds);
        Assert.All(faults.Where(fault => fault.Kind.Target == FaultTarget.MortalWorker), fault => Assert.InRange(fault.Worker, 0, 1));
        Assert.Contains(faults, fault => fault.Kind.Target == FaultTarget.AnyWorker && fault.Worker == 2);
    }

    private static ChaosOptions Options(int seed) => new(new ProgramStart("batchgen", [], ""), "") { Seed = seed };

    private static FaultKind Kind(string name, int weight, FaultTarget target) =>
        new(name, weight, 0.1, 0.5, target, static (_, _) => Task.FromResult("ok"));
}
