using System.Text.Json.Nodes;
using BatchGen.Chaos;
using BatchGen.Chaos.Audits;
using BatchGen.Chaos.Jobs;
using BatchGen.Chaos.Processes;
using BatchGen.Testing;
using Npgsql;

namespace BatchGen.ChaosTests;

/// <summary>Every check of the audit finds what it looks for.</summary>
public sealed class AuditTests
{
    // Each statement breaks what a check holds: job 1 claims to have succeeded, job 2 has a verified image of a drifted checkpoint that
    // differs from one taken back before, job 3 has an image whose file is damaged, and a worker holds an open batch and is set aside.
    private const string Damage = """
        insert into workers (id, name, device, device_description, compute_type, set_aside_at, set_aside_reason)
        values ('00000000-0000-0000-0000-000000000001', 'broken', 'cpu', '', 'float32', now(), 'it fails');
        insert into weight_checkpoints (
          worker_id, model, device, compute_type, verdict, expected_digest, actual_digest, tensors, size_bytes, elapsed_ms)
        values ('00000000-0000-0000-0000-000000000001', 'demo', 'cpu', 'float32', 'drifted', 'a', 'b', 1, 1, 1);
        insert into batches (
          worker_id, lease_expires_at, group_id, unended, completions, checked_completions, verified_at, checkpoint_id, fused, signature,
          job_ids)
        select '00000000-0000-0000-0000-000000000001', now(), group_id, 1, 2, 1, now(), 1, true, signature, '{2,3}' from jobs where id = 2;
        insert into images (job_id, batch_id, size_bytes, seed, completion, width, height, sha256, path, recipe)
        select id, 1, 3, 1, 1, 64, 64, sha256('x'), format('000000/%s.png', id),
          '{"schema": 2, "job_id": 7, "prompt": "another", "seed": 5, "model": "demo", "model_sha256": "x", "adapters": [],
            "signature": "demo|", "device": "cpu", "compute_type": "float32", "program": "BatchGen"}'
        from jobs where id in (2, 3);
        insert into public.dropped_images (job_id, batch_id, sha256, was_verified, had_wrong_bits) values (2, 1, sha256('y'), true, false);
        insert into job_attempts (job_id, attempt, counted, code, message) values (2, 1, true, 'worker_lost', 'its worker was killed');
        insert into job_count_changes (group_id, campaign_id, state, change)
        select group_id, campaign_id, 'verified', 5 from jobs where id = 1;
        update jobs set state = 'succeeded', indexed_state = null, finished_at = now() where id = 1
        """;

    [Fact]
    public async Task Checks_of_the_audit_find_what_they_look_for()
    {
        var folder = Path.Combine(RepositoryPaths.Root, "out", "chaos", "tests", "audit");
        var program = new ProgramStart(Path.Combine(AppContext.BaseDirectory, "batchgen"), [], RepositoryPaths.Root);
        var cancellationToken = TestContext.Current.CancellationToken;
        var options = new ChaosOptions(program, folder) { Workers = 2 };
        await using var stage = await Stage.CreateAsync(options, TimeProvider.System, cancellationToken);
        var producer = new Producer(stage.Servers, seed: 1, TimeProvider.System);
        await producer.SubmitAsync([Job(1), Job(2), Job(3)], cancel: 0, TimeSpan.Zero, cancellationToken);

        // What was only submitted breaks nothing but that it has to end.
        var before = await QueueAudit.RunAsync(stage.Servers, cancellationToken);
        Assert.StartsWith("Every job has ended", Assert.Single(before, line => line.Violations.Count > 0).What, StringComparison.Ordinal);

        await using (var connection = await stage.Servers.ConnectAsync(cancellationToken))
        await using (var command = new NpgsqlCommand(Damage, connection))
            await command.ExecuteNonQueryAsync(cancellationToken);
        Assert.All(await QueueAudit.RunAsync(stage.Servers, cancellationToken), line => Assert.True(line.Violations.Count > 0, line.What));

        Directory.CreateDirectory(Path.Combine(stage.Images.Folder, "000000"));
        await File.WriteAllTextAsync(Path.Combine(stage.Images.Folder, "000000", "3.png"), "no image", cancellationToken);
        await File.WriteAllTextAsync(Path.Combine(stage.Images.Folder, "000000", "left.part"), "left", cancellationToken);
        var jobs = await JobRow.ListAsync(stage.Servers, cancellationToken);
        var digests = await JobRow.ListDigestsAsync(stage.Servers, cancellationToken);
        var submitted = new Dictionary<string, JsonObject>(producer.Submitted, StringComparer.Ordinal) { ["lost"] = Job(4) };
        var lines = new ImageAudit(submitted, jobs, digests, stage.Images.Folder).Run();
        Assert.All(lines, line => Assert.True(line.Violations.Count > 0, line.What));
    }

    [Theory]
    [InlineData(0, 0, 0, 0)]
    [InlineData(400, 0, 0, 1)]
    [InlineData(0, 60, 0, 1)]
    [InlineData(0, 0, 90, 1)]
    public void Growth_through_a_whole_run_is_found(long memoryMebibytes, int threads, int handles, int violations)
    {
        var samples = Enumerable.Range(0, 400).Select(i => new ProcessUsage(
            (300 + (memoryMebibytes * i / 400)) << 20, 30 + (threads * i / 400), 200 + (handles * i / 400))).ToArray();
        Assert.Equal(violations, UsageWatch.Judge("worker", samples).Violations.Count);
    }

    private static JsonObject Job(int number) => new()
    {
        ["prompt"] = $"a red circle {number}", ["seed"] = number, ["width"] = 64, ["height"] = 64, ["steps"] = 4,
        ["adapters"] = "demo-neon@0.8",
    };
}
