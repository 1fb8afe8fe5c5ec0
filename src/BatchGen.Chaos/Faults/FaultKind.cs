namespace BatchGen.Chaos.Faults;

/// <summary>A kind of fault.</summary>
/// <param name="Name">What reports call it.</param>
/// <param name="Weight">How often it comes, beside the weights of the others.</param>
/// <param name="Least">Shortest time that it lasts, in lease durations.</param>
/// <param name="Most">Longest time that it lasts, in lease durations.</param>
/// <param name="Target">Whom it strikes.</param>
/// <param name="StrikeAsync">Does it, and returns what happened in words once it is over; they begin with <see cref="NotDone"/> where
/// nothing was struck.</param>
internal sealed record FaultKind(
    string Name, int Weight, double Least, double Most, FaultTarget Target, Func<Fault, CancellationToken, Task<string>> StrikeAsync)
{
    /// <summary>What the outcome of a fault begins with that met nothing to strike.</summary>
    public const string NotDone = "not done: ";
}

/// <summary>Whom a fault strikes.</summary>
internal enum FaultTarget
{
    /// <summary>No worker of its own.</summary>
    Everything,

    /// <summary>Any of the workers.</summary>
    AnyWorker,

    /// <summary>Any worker but the last, whose process lives through the whole run so that its memory can be watched.</summary>
    MortalWorker,
}

/// <summary>One fault of a schedule.</summary>
/// <param name="Number">Its place in the schedule, from 1.</param>
/// <param name="At">When it begins, from the start of the run.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Worker">Which worker it strikes; 0 where it strikes none.</param>
/// <param name="Time">How long it lasts.</param>
/// <param name="Salt">Chooses files and places.</param>
internal sealed record Fault(int Number, TimeSpan At, FaultKind Kind, int Worker, TimeSpan Time, int Salt);
