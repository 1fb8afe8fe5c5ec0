using System.Diagnostics;
using BatchGen.Core.Failures;
using BatchGen.Core.Jobs;
using BatchGen.Queue.Embedded;
using BatchGen.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace BatchGen.DatabaseTests.Claims;

/// <summary>The server is killed in the moment after a claim, whose commit does not wait for the disk.</summary>
public sealed class CrashTests : IAsyncLifetime
{
    private const int Crashes = 10;
    private readonly string _folder = Path.Combine(Path.GetTempPath(), "batchgen-crash-" + Guid.NewGuid().ToString("N")[..8]);

    public async ValueTask InitializeAsync() => await TestServer.GetAddressAsync(); // Skips without server programs.

    public async ValueTask DisposeAsync() => await EmbeddedCluster.RemoveAsync(_folder, CancellationToken.None);

    [Fact]
    public async Task A_claim_that_a_crash_undid_is_refused_like_a_lost_lease_and_its_job_is_claimed_again()
    {
        var server = await StartAsync();
        await using var database = await TestDatabase.CreateAsync(new() { LeaseDuration = TimeSpan.FromHours(1) }, server.ConnectionString);
        await database.AddModelAsync();
        var worker = await database.AddWorkerAsync();
        var undone = 0;
        for (var i = 0; i < Crashes && undone == 0; i++)
        {
            var job = Assert.Single(await database.SubmitAsync(""));
            var old = (await database.ClaimAsync(worker))!;
            server = await CrashAsync(server, database);
            if ((await database.Catalog.FindAsync(job, CancellationToken.None))!.State == JobState.Queued)
            {
                undone++;
                await Assert.ThrowsAsync<LeaseLostException>(() => database.CompleteAsync(old));
                // The crash may have given the batch's number back too; the token tells the two claims apart.
                var again = (await database.ClaimAsync(worker))!;
                Assert.NotEqual((old.BatchId, old.Epoch), (again.BatchId, again.Epoch));
                await Assert.ThrowsAsync<LeaseLostException>(() => database.CompleteAsync(old with { BatchId = again.BatchId }));
                old = again;
            }

            await database.CompleteAsync(old);
            server = await CrashAsync(server, database);
            Assert.Equal(JobState.Succeeded, (await database.Catalog.FindAsync(job, CancellationToken.None))!.State);
        }

        Assert.NotEqual(0, undone);
    }

    private Task<EmbeddedPostgres> StartAsync() => EmbeddedPostgres.StartAsync(_folder, NullLogger.Instance, CancellationToken.None);

    private async Task<EmbeddedPostgres> CrashAsync(EmbeddedPostgres server, TestDatabase database)
    {
        using var process = Process.GetProcessById(server.ServerProcessId!.Value);
        process.Kill(entireProcessTree: true);
        await process.WaitForExitAsync();
        database.Queue.DataSource.Clear();
        return await StartAsync();
    }
}
