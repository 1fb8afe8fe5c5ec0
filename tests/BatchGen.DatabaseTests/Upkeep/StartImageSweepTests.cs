using BatchGen.Core.Imaging;
using BatchGen.Core.Jobs;
using BatchGen.Core.Submitting;
using BatchGen.Imaging;
using BatchGen.Queue;
using BatchGen.Queue.Jobs;
using BatchGen.Queue.Upkeep;
using BatchGen.Testing;
using Npgsql;
using Xunit;

namespace BatchGen.DatabaseTests.Upkeep;

/// <summary>Start images that nothing names any more are removed with their files, and free their tenant's quota.</summary>
public sealed class StartImageSweepTests : IAsyncLifetime
{
    private static readonly TimeSpan Grace = TimeSpan.FromDays(1);
    private readonly string _folder = Directory.CreateTempSubdirectory("batchgen-start-").FullName;
    private TestDatabase _database = null!;

    public async ValueTask InitializeAsync()
    {
        _database = await TestDatabase.CreateAsync();
        await _database.AddModelAsync(native: 64);
    }

    public async ValueTask DisposeAsync()
    {
        await _database.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Images_that_nothing_names_are_removed_after_the_grace_and_all_others_stay()
    {
        var byHand = Folder.Add(Image(1), "by hand");
        var (unnamed, fresh) = (await SendAsync(2), await SendAsync(3));
        var (ofJob, ofStaged, ofSchedule) = (await SendAsync(4), await SendAsync(5), await SendAsync(6));
        await _database.Submitter.SubmitAsync([new JobRequest { StartImage = ofJob }], CancellationToken.None);
        await _database.SqlAsync("insert into staged_jobs (recipe) values (jsonb_build_object('start_image', $1::text))", ofStaged);
        await _database.SqlAsync(
            "insert into campaign_schedules (name, cron, jobs, job_count) values ('nightly', '0 3 * * *', $1::text, 1)",
            $$"""{"start_image": "{{ofSchedule}}"}""");
        Assert.Equal(0, await SweepAsync());
        await AgeAsync();
        // Sent again, it counts as sent now.
        await SendAsync(3);

        Assert.Equal(1, await SweepAsync());
        Assert.False(Folder.Has(unnamed));
        Assert.All([byHand, fresh, ofJob, ofStaged, ofSchedule], name => Assert.True(Folder.Has(name), name));
        Assert.Equal(4L, await CountAsync());
    }

    [Fact]
    public async Task An_image_is_removed_once_its_last_job_is_archived_and_the_tenant_may_send_as_much_again()
    {
        var size = Image(1).Length;
        await using var limited = QueueDatabase.Open(
            _database.ConnectionString, new QueueOptions { Schema = _database.Schema, StartImageQuotaBytes = size });
        var owners = new StartImageOwners(limited);
        var name = await SendAsync(1, owners);
        var id = Assert.Single(await _database.Submitter.SubmitAsync([new JobRequest { StartImage = name }], CancellationToken.None));
        await _database.Actions.CancelAsync([id], CancellationToken.None);
        await AgeAsync();
        Assert.Equal(0, await SweepAsync());
        await Assert.ThrowsAsync<SubmitRefusedException>(() => SendAsync(2, owners));

        Assert.Equal(1, await new QueueUpkeep(_database.Queue).ArchiveJobsAsync(TimeSpan.Zero, CancellationToken.None));
        Assert.Equal(1, await SweepAsync());
        await SendAsync(2, owners);
        Assert.Equal(1L, await CountAsync());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_image_that_an_open_transaction_submits_a_job_for_stays_and_nobody_waits(bool staged)
    {
        var name = await SendAsync(1);
        await AgeAsync();
        await using (var producer = await _database.ConnectAsync())
        {
            await using var transaction = await producer.BeginTransactionAsync();
            var submit = staged
                ? $$"""insert into staged_jobs (recipe) values ('{"start_image": "{{name}}"}'); select submit_staged()"""
                : $$"""select submit_jobs('[{"start_image": "{{name}}"}]')""";
            await using var command = new NpgsqlCommand(submit, producer, transaction);
            await command.ExecuteNonQueryAsync();
            Assert.Equal(0, await Wait.ForAsync("the folder was looked through", SweepAsync(), TimeSpan.FromSeconds(4)));
            await transaction.CommitAsync();
        }

        Assert.Equal(0, await SweepAsync());
        Assert.True(Folder.Has(name));
    }

    [Fact]
    public async Task An_image_that_is_sent_while_it_is_removed_is_there_afterwards()
    {
        await _database.SqlAsync("insert into tenants (name) values ('rival')");
        var name = await SendAsync(1);
        await AgeAsync();
        Task<string>[] sends;
        await using (var upkeep = await _database.ConnectAsync())
        {
            await using var transaction = await upkeep.BeginTransactionAsync();
            await using var find = new NpgsqlCommand("select lock_unnamed_start_images('1 day')", upkeep, transaction);
            Assert.Equal(name, await find.ExecuteScalarAsync());
            sends = [SendAsync(1), SendAsync(1, tenant: "rival")];
            const string Waiting =
                "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and application_name like $1 || '%'";
            await Wait.UntilAsync("both sends wait", () => _database.SqlAsync<long>(Waiting, _database.Name), count => count == 2);
            File.Delete(Path.Combine(_folder, name));
            await using var delete = new NpgsqlCommand("delete from start_images", upkeep, transaction);
            await delete.ExecuteNonQueryAsync();
            await transaction.CommitAsync();
        }

        await Task.WhenAll(sends);
        Assert.True(Folder.Has(name));
        Assert.Equal(2L, await CountAsync());
    }

    [Fact]
    public async Task A_file_that_cannot_be_removed_keeps_its_row_and_a_folder_of_another_machine_all_rows()
    {
        var name = await SendAsync(1);
        await AgeAsync();
        Assert.Equal(0, await new StartImageSweep(_database.Queue)
            .SweepAsync(Path.Combine(_folder, "not-mounted"), Grace, CancellationToken.None));
        File.Delete(Path.Combine(_folder, name));
        Directory.CreateDirectory(Path.Combine(_folder, name));
        Assert.Equal(0, await SweepAsync());
        Assert.Equal(1L, await CountAsync());
        // Somebody deleted it: nothing is left to remove but the row.
        Directory.Delete(Path.Combine(_folder, name));
        Assert.Equal(1, await SweepAsync());
    }

    [Fact]
    public async Task An_image_that_cannot_be_written_takes_no_quota()
    {
        var file = Path.Combine(_folder, "file");
        await File.WriteAllTextAsync(file, "", TestContext.Current.CancellationToken);
        var folder = new StartImageFolder(Path.Combine(file, "below"));
        var image = Image(1);
        var accepted = folder.Accept(image, "sketch");
        await Assert.ThrowsAsync<StartImageException>(() => new StartImageOwners(_database.Queue).KeepAsync(
            accepted.Name, accepted.SizeBytes, null, () => folder.Write(accepted, image, "sketch"), CancellationToken.None));
        Assert.Equal(0L, await CountAsync());
    }

    private StartImageFolder Folder => new(_folder);

    private async Task<string> SendAsync(byte shade, StartImageOwners? owners = null, string? tenant = null)
    {
        var image = Image(shade);
        var accepted = Folder.Accept(image, "sketch");
        await (owners ?? new StartImageOwners(_database.Queue)).KeepAsync(
            accepted.Name, accepted.SizeBytes, tenant, () => Folder.Write(accepted, image, "sketch"), CancellationToken.None);
        return accepted.Name;
    }

    private Task AgeAsync() => _database.SqlAsync("update start_images set created_at = created_at - interval '2 days'");

    private Task<long> CountAsync() => _database.SqlAsync<long>("select count(*) from start_images");

    private Task<int> SweepAsync() => new StartImageSweep(_database.Queue).SweepAsync(_folder, Grace, CancellationToken.None);

    private static byte[] Image(byte shade) =>
        ImageEncoder.Encode(new PixelImage(8, 8, [.. Enumerable.Repeat(shade, 8 * 8 * 3)]), ImageFormat.Png);
}
