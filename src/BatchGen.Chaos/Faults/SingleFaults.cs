using System.Text.Json.Nodes;
using BatchGen.Chaos.Audits;
using BatchGen.Chaos.Jobs;
using BatchGen.Chaos.Processes;
using Npgsql;
using static System.FormattableString;

namespace BatchGen.Chaos.Faults;

/// <summary>Single faults at chosen moments, with figures of what they cost.</summary>
internal sealed class SingleFaults(Stage stage, Producer producer)
{
    private const int LongSteps = 150, ShortSteps = 25, LongBatch = 2, ShortBatch = 24;
    private const int Kills = 2;
    private static readonly TimeSpan TakeoverMargin = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan ServerDown = TimeSpan.FromSeconds(1.5);
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(100);

    /// <summary>Kills the workers that draw a batch, one after the other.</summary>
    /// <returns>Whether other workers drew the jobs in time.</returns>
    public async Task<AuditLine> KillWorkersAsync(CancellationToken cancellationToken)
    {
        var limit = stage.Options.Lease + TakeoverMargin;
        var times = new List<double>();
        for (var i = 0; i < Kills; i++) times.Add((await KillInBatchAsync(cancellationToken)).TotalSeconds);
        var text = string.Join(", ", times.Select(time => Invariant($"{time:0.0} s")));
        return new AuditLine(
            Invariant($"Jobs of a killed worker run again within {limit.TotalSeconds} s, the lease and five seconds: after {text}"),
            times.Count, [.. times.Where(time => time > limit.TotalSeconds).Select(time => Invariant($"after {time:0.0} s"))]);
    }

    /// <summary>Crashes the server while images of a batch are being recorded.</summary>
    /// <returns>Whether images are lost that had been recorded.</returns>
    public Task<AuditLine> CrashServerAsync(CancellationToken cancellationToken) => LoseServerAsync(
        "A crash of the server",
        token => stage.Servers.RestartAsync(node => node.StopAsync("immediate", token), ServerDown, token), cancellationToken);

    /// <summary>Fails over to the standby while images of a batch are being recorded.</summary>
    /// <returns>Whether images are lost that had been recorded.</returns>
    public Task<AuditLine> FailOverAsync(CancellationToken cancellationToken) => LoseServerAsync(
        "A failover to the standby", token => stage.Servers.FailOverAsync(ServerDown, token), cancellationToken);

    // Time from the death of a worker until another draws its jobs.
    private async Task<TimeSpan> KillInBatchAsync(CancellationToken cancellationToken)
    {
        await producer.SubmitAsync(NewJobs(LongBatch, LongSteps), cancel: 0, TimeSpan.Zero, cancellationToken);
        var (batch, worker) = await UntilAsync("find_open_batch", BatchOf, cancellationToken, 0L);
        var started = stage.Clock.GetTimestamp();
        var ending = stage.Workers.Single(slot => slot.Name == worker).EndAsync(Signals.Kill, Limit, TimeSpan.Zero);
        await UntilAsync("find_open_batch", BatchOf, cancellationToken, batch);
        var time = stage.Clock.GetElapsedTime(started);
        await ending;
        return time;
    }

    // Images count as lost that had been recorded before and are not there, or were drawn again, once all jobs ended.
    private async Task<AuditLine> LoseServerAsync(
        string what, Func<CancellationToken, Task<string>> lose, CancellationToken cancellationToken)
    {
        await producer.SubmitAsync(NewJobs(ShortBatch, ShortSteps), cancel: 0, TimeSpan.Zero, cancellationToken);
        var before = await UntilAsync("list_fresh_images", static row => (long[])row.GetValue(0), cancellationToken);
        var outcome = await lose(cancellationToken);
        if (outcome != "ok") return new AuditLine(what, 0, [outcome]);
        await UntilAsync("is_drained", static row => row.GetBoolean(0), cancellationToken);
        await using var connection = await stage.Servers.ConnectAsync(cancellationToken);
        await using var command = new NpgsqlCommand(ChaosSql.Read("list_lost_images"), connection);
        command.Parameters.AddWithValue(before);
        var lost = (long[])(await command.ExecuteScalarAsync(cancellationToken))!;
        return new AuditLine(
            $"{what} in the middle of a batch loses no recorded image", before.Length, [.. lost.Select(job => $"that of job {job}")]);
    }

    private static JsonObject[] NewJobs(int count, int steps) => [.. Enumerable.Range(0, count).Select(number => new JsonObject
    {
        ["prompt"] = Invariant($"a blue star {number}"), ["seed"] = number, ["width"] = 64, ["height"] = 64, ["steps"] = steps,
        ["sampler"] = "ddim", ["guidance_scale"] = 7.5, ["adapters"] = "demo-neon@0.8",
    })];

    private static (long Batch, string Worker) BatchOf(NpgsqlDataReader row) => (row.GetInt64(0), row.GetString(1));

    // The first row that a statement of db/chaos returns; it is asked again until there is one.
    private async Task<T> UntilAsync<T>(
        string statement, Func<NpgsqlDataReader, T> read, CancellationToken cancellationToken, params object[] values)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Limit);
        while (true)
        {
            try
            {
                await using var connection = await stage.Servers.ConnectAsync(limit.Token);
                await using var command = new NpgsqlCommand(ChaosSql.Read(statement), connection);
                foreach (var value in values) command.Parameters.AddWithValue(value);
                await using var reader = await command.ExecuteReaderAsync(limit.Token);
                if (await reader.ReadAsync(limit.Token)) return read(reader);
            }
            catch (NpgsqlException)
            {
                // The server is away, as the scene wants it.
            }

            await Task.Delay(LookInterval, stage.Clock, limit.Token);
        }
    }
}
