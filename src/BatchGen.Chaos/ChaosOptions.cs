using BatchGen.Chaos.Processes;

namespace BatchGen.Chaos;

/// <summary>What a chaos run does.</summary>
/// <param name="Program">The program under test.</param>
/// <param name="OutputFolder">Folder for logs and report.</param>
public sealed record ChaosOptions(ProgramStart Program, string OutputFolder)
{
    /// <value>Decides the faults and the jobs; 1.</value>
    public int Seed { get; init; } = 1;

    /// <value>How long faults come and jobs are submitted; 45 minutes.</value>
    public TimeSpan Time { get; init; } = TimeSpan.FromMinutes(45);

    /// <value>Mean time between two faults; 6.5 seconds.</value>
    public TimeSpan FaultInterval { get; init; } = TimeSpan.FromSeconds(6.5);

    /// <value>Worker processes; 3, and at least 2.</value>
    public int Workers { get; init; } = 3;

    /// <value>How long a lease lives without a heartbeat; 10 seconds.</value>
    public TimeSpan Lease { get; init; } = TimeSpan.FromSeconds(10);

    /// <value>How long the jobs may take to end once no more faults come; 7 minutes.</value>
    public TimeSpan DrainLimit { get; init; } = TimeSpan.FromMinutes(7);
}
