namespace BatchGen.Queue.Reports;

/// <summary>A reason why jobs that could run do not get done.</summary>
public sealed class Standstill
{
    /// <summary>Code of the reason: <c>no_workers</c>, <c>nothing_finished</c> or <c>worker_set_aside</c>.</summary>
    public string Kind { get; init; } = "";

    /// <summary>Since when it holds.</summary>
    public DateTimeOffset Since { get; init; }

    /// <summary>Name of the worker that it is about; null when it is about the whole queue.</summary>
    public string? Subject { get; init; }

    /// <summary>A sentence that says more, or null.</summary>
    public string? Detail { get; init; }

    /// <summary>The reason in one sentence.</summary>
    public string What => Kind switch
    {
        "no_workers" => "No worker runs although jobs could run.",
        "nothing_finished" => "Nothing finishes although jobs could run." + (Detail is null ? "" : " " + Detail),
        "worker_set_aside" => $"Worker '{Subject}' has set itself aside{(Detail is null ? "." : $": {Detail.TrimEnd('.')}.")}",
        _ => throw new InvalidOperationException($"Nobody knows a standstill of kind '{Kind}'."),
    };

    /// <summary>What a person can do about it, in one sentence.</summary>
    public string Remedy => Kind switch
    {
        "no_workers" => "Start one with 'batchgen up' or 'batchgen worker'; the log of the last one says why it ended.",
        "nothing_finished" => "Look at the page Workers and at their logs; 'batchgen doctor' on each machine looks for causes.",
        "worker_set_aside" => "Mend its machine ('batchgen doctor' there says what is wrong), then resume it on the page Workers.",
        _ => throw new InvalidOperationException($"Nobody knows a standstill of kind '{Kind}'."),
    };

    /// <summary>True for the same reason, since whenever it holds.</summary>
    public bool IsSameAs(Standstill other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return (Kind, Subject) == (other.Kind, other.Subject);
    }
}

/// <summary>Finds out whether the queue stands still.</summary>
public sealed class StandstillFinder(QueueDatabase database)
{
    /// <summary>Why the queue stands still; empty while it does not, or while nothing could run anyway.</summary>
    public async Task<IReadOnlyList<Standstill>> FindAsync(CancellationToken cancellationToken) =>
        await database.QueryAsync<Standstill>(
            "find_standstill",
            new { standstill_after = database.Options.StandstillAfter, answer_limit = Workers.WorkerDetails.AnswerLimit },
            cancellationToken);
}
