namespace BatchGen.Queue.Benchmarking;

/// <summary>Sizes of a benchmark.</summary>
public sealed class QueueBenchmarkOptions
{
    /// <value>Jobs in the backlog; 1,000,000.</value>
    public int Jobs { get; set; } = 1_000_000;

    /// <value>Signatures they are spread over; 12,000.</value>
    public int Signatures { get; set; } = 12_000;

    /// <value>Claims measured each time; 3,000.</value>
    public int Claims { get; set; } = 3_000;

    /// <value>Workers of the drain and connections of single submits; 10.</value>
    public int Workers { get; set; } = 10;

    /// <value>Jobs submitted one by one; 20,000.</value>
    public int SingleSubmits { get; set; } = 20_000;

    /// <value>Urgent jobs whose start is timed; 500.</value>
    public int LatencySamples { get; set; } = 500;

    /// <value>Jobs of the drain; 200,000.</value>
    public int DrainJobs { get; set; } = 200_000;

    /// <value>Signatures of the drain; 100.</value>
    public int DrainSignatures { get; set; } = 100;

    /// <value>Batch size of the drain; 500.</value>
    public int DrainBatch { get; set; } = 500;
}
