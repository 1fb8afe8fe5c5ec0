using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using BatchGen.Chaos.Servers;
using Npgsql;
using NpgsqlTypes;
using static System.FormattableString;

namespace BatchGen.Chaos.Jobs;

/// <summary>Submits jobs all the time, as an app outside does: by SQL, under idempotency keys, again until the server said yes.</summary>
internal sealed class Producer(ServerPair servers, int seed, TimeProvider clock)
{
    /// <summary>Name of the start image that some jobs begin from.</summary>
    public const string StartImage = "start.png";

    private static readonly TimeSpan RetryInterval = TimeSpan.FromMilliseconds(700);
    private static readonly int[] Bursts = [1, 1, 1, 1, 2, 3, 6, 12, 18];
    private static readonly string[] Samplers = ["ddim", "ddim", "ddim", "euler", "euler_a", "dpmpp_2m_karras"];
    private static readonly string[] Formats = ["png", "png", "png", "webp", "jpeg"];
    private static readonly string[] Signatures =
    [
        "", "demo-neon@0.8", "demo-outline@0.5", "demo-pixel@1", "demo-striped@1", "demo-neon@0.7+demo-outline@0.7",
        "demo-pixel@0.7+demo-striped@0.7",
    ];

    private static readonly string[] Nouns = ["circle", "star", "tree", "house", "moon", "heart"];
    private static readonly string[] Adjectives = ["red", "blue", "green", "yellow", "purple", "white"];

    private readonly ConcurrentDictionary<string, JsonObject> _submitted = new(StringComparer.Ordinal);
    private int _keys, _numbers;

    /// <summary>What was submitted and answered, by idempotency key.</summary>
    public IReadOnlyDictionary<string, JsonObject> Submitted => _submitted;

    /// <summary>Jobs that were cancelled.</summary>
    public int Cancelled { get; private set; }

    /// <summary>Submits until it is told that it is over; what was begun is submitted to its end.</summary>
    public async Task RunAsync(CancellationToken over, CancellationToken cancellationToken)
    {
#pragma warning disable CA5394 // A run must be the same again, not be hard to guess.
        var random = new Random(seed);
        while (!over.IsCancellationRequested)
        {
            var signature = Pick(random, Signatures);
            var jobs = Enumerable.Range(0, Pick(random, Bursts)).Select(_ =>
            {
                if (random.NextDouble() < 0.3) signature = Pick(random, Signatures);
                return NewJob(random, signature);
            }).ToArray();
            var share = random.NextDouble() < 0.1 ? Math.Max(1, jobs.Length / 4) : 0;
            await SubmitAsync(jobs, share, TimeSpan.FromSeconds(random.NextDouble() * 4), cancellationToken);
            await Task.Delay(TimeSpan.FromSeconds(0.5 + (random.NextDouble() * 3.5)), clock, over)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
#pragma warning restore CA5394
    }

    /// <summary>Submits jobs, and cancels the first of them after a while.</summary>
    public async Task SubmitAsync(IReadOnlyList<JsonObject> jobs, int cancel, TimeSpan delay, CancellationToken cancellationToken)
    {
        foreach (var job in jobs) job["idempotency_key"] = Invariant($"key {Interlocked.Increment(ref _keys)}");
        var list = new JsonArray([.. jobs.Select(job => job.DeepClone())]).ToJsonString();
        var ids = await RepeatAsync(async connection =>
        {
            await using var command = new NpgsqlCommand(ChaosSql.Read("submit_list"), connection);
            command.Parameters.Add(new NpgsqlParameter { Value = list, NpgsqlDbType = NpgsqlDbType.Jsonb });
            return (long[])(await command.ExecuteScalarAsync(cancellationToken))!;
        }, cancellationToken);
        if (ids.Length != jobs.Count) throw new InvalidOperationException($"{jobs.Count} jobs were submitted, {ids.Length} ids came back.");
        foreach (var job in jobs) _submitted[(string)job["idempotency_key"]!] = job;
        if (cancel == 0) return;
        await Task.Delay(delay, clock, cancellationToken);
        Cancelled += (int)await RepeatAsync(async connection =>
        {
            await using var command = new NpgsqlCommand(ChaosSql.Read("cancel_some"), connection);
            command.Parameters.AddWithValue(ids[..cancel]);
            return (long)(await command.ExecuteScalarAsync(cancellationToken))!;
        }, cancellationToken);
    }

#pragma warning disable CA5394
    private JsonObject NewJob(Random random, string signature)
    {
        _numbers++;
        var job = new JsonObject
        {
            ["prompt"] = Invariant($"a {Pick(random, Adjectives)} {Pick(random, Nouns)} {_numbers}"),
            ["seed"] = random.NextInt64(1L << 40), ["width"] = 64, ["height"] = 64, ["steps"] = random.Next(4, 9), ["adapters"] = signature,
            ["sampler"] = Pick(random, Samplers), ["guidance_scale"] = random.Next(2) == 0 ? 5 : 7.5, ["format"] = Pick(random, Formats),
            ["campaign"] = Invariant($"campaign {random.Next(1, 5)}"),
        };
        switch (random.NextDouble())
        {
            case < 0.06: job["max_attempts"] = 1; break;
            case < 0.10: job["run_at"] = Invariant($"{clock.GetUtcNow().AddSeconds(random.Next(4, 25)):O}"); break;
            case < 0.13: job["priority"] = 5; break;
            case < 0.16: (job["start_image"], job["strength"]) = (StartImage, 0.6); break;
            case < 0.18: job["negative_prompt"] = "blurry"; break;
        }

        return job;
    }

    private static T Pick<T>(Random random, T[] from) => from[random.Next(from.Length)];
#pragma warning restore CA5394

    // The same keys again until there was an answer: that none came does not say that nothing was done.
    private async Task<T> RepeatAsync<T>(Func<NpgsqlConnection, Task<T>> call, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                await using var connection = await servers.ConnectAsync(cancellationToken);
                return await call(connection);
            }
            catch (NpgsqlException error) when (error is not PostgresException { SqlState: ['2' or '4', '2' or '3', ..] })
            {
                await Task.Delay(RetryInterval, clock, cancellationToken);
            }
        }
    }
}
