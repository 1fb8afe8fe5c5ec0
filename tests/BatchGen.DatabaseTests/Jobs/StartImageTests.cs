using BatchGen.Core.Jobs;
using BatchGen.Core.Submitting;
using BatchGen.Queue;
using BatchGen.Queue.Jobs;
using BatchGen.Testing;
using Npgsql;
using Xunit;

namespace BatchGen.DatabaseTests.Jobs;

/// <summary>Start images, strength and guidance rescale on each way into the queue, and out of it to a worker.</summary>
public sealed class StartImageTests : IAsyncLifetime
{
    private static readonly string Sent = new string('a', 64) + ".png";
    private TestDatabase _database = null!;

    public async ValueTask InitializeAsync()
    {
        _database = await TestDatabase.CreateAsync();
        await _database.AddModelAsync(native: 64);
    }

    public ValueTask DisposeAsync() => _database.DisposeAsync();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_claimed_job_has_the_start_image_strength_and_guidance_rescale_that_were_submitted(bool staged)
    {
        JobRequest[] jobs =
        [
            new() { Prompt = "noise" }, new() { Prompt = "default", StartImage = "a.png" },
            new() { Prompt = "all", StartImage = "a/b.png", Strength = 0.7, GuidanceRescale = 0.35 },
        ];
        if (staged) Assert.Equal(3, await _database.Submitter.SubmitManyAsync(jobs, null, CancellationToken.None));
        else await _database.Submitter.SubmitAsync(jobs, CancellationToken.None);

        var batch = await _database.ClaimAsync(await _database.AddWorkerAsync());
        Assert.Equal(
            [("noise", null, null, 0), ("default", "a.png", 0.8, 0), ("all", "a/b.png", (double?)0.7, 0.35)],
            batch!.Jobs.Select(job => (job.Recipe.Prompt, job.Recipe.StartImagePath, job.Recipe.Strength, job.Recipe.GuidanceRescale)));
    }

    [Fact]
    public async Task Staged_rows_that_break_a_rule_are_refused_like_jobs_in_JSON()
    {
        (JobRequest Job, string Says)[] cases =
        [
            (new() { StartImage = "../a.png" }, "line 2.start_image: expected the name of an image below the folder of start images"),
            (new() { StartImage = "a.png", Strength = 1.5 }, "line 2.strength: expected a finite number above 0 to 1, got 1.5."),
            (new() { StartImage = "a.png", Strength = double.NaN }, "line 2.strength: expected a finite number above 0 to 1, got \"NaN\"."),
            (new() { StartImage = "a.png", Strength = 0.01 }, "line 2.strength: 0.01 of 20 steps leaves no step to take"),
            (new() { Strength = 0.5 }, "line 2.strength: it needs a start_image, and the job has none"),
            (new() { GuidanceRescale = -0.1 }, "line 2.guidance_rescale: expected a finite number from 0 to 1, got -0.1."),
        ];
        foreach (var (job, says) in cases)
        {
            var refused = await Assert.ThrowsAsync<SubmitRefusedException>(
                () => _database.Submitter.SubmitManyAsync([new JobRequest(), job], null, CancellationToken.None));
            Assert.StartsWith(says, refused.Message, StringComparison.Ordinal);
        }

        Assert.Equal(0L, await _database.SqlAsync<long>("select count(*) from jobs"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_start_image_serves_the_tenants_that_sent_it_and_no_other(bool staged)
    {
        await AddTenantsAsync("studio", "rival");
        await Owners().KeepAsync(Sent, 100, "studio", CancellationToken.None);
        await SubmitAsync(staged, "studio", Sent);
        foreach (var spelling in new[] { Sent, Sent.ToUpperInvariant() })
        {
            var refused = await Assert.ThrowsAsync<SubmitRefusedException>(() => SubmitAsync(staged, "rival", null, spelling));
            Assert.StartsWith(staged ? "line 2.start_image: " : "jobs[1].start_image: ", refused.Message, StringComparison.Ordinal);
            Assert.Contains(
                " was sent by another tenant. Send it for tenant 'rival' too", refused.Message, StringComparison.Ordinal);
        }

        Assert.Equal(1L, await _database.SqlAsync<long>("select count(*) from jobs"));
        // Whoever has the image may send it as well; what people put into the folder by hand serves all.
        await Owners().KeepAsync(Sent, 100, "RIVAL", CancellationToken.None);
        await SubmitAsync(staged, "rival", Sent, "cats/by-hand.png", new string('b', 64) + ".png");
        Assert.Equal(4L, await _database.SqlAsync<long>("select count(*) from jobs"));
    }

    [Fact]
    public async Task A_tenant_may_send_start_images_up_to_its_quota_and_the_same_again()
    {
        await AddTenantsAsync("studio", "rival");
        var owners = Owners(quotaBytes: 250);
        await owners.KeepAsync(Sent, 100, "studio", CancellationToken.None);
        await owners.KeepAsync(new string('b', 64) + ".webp", 150, "studio", CancellationToken.None);
        await owners.KeepAsync(Sent, 100, "studio", CancellationToken.None);
        var refused = await Assert.ThrowsAsync<SubmitRefusedException>(
            () => owners.KeepAsync(new string('c', 64) + ".jpg", 1, "studio", CancellationToken.None));
        Assert.StartsWith("start_image: tenant 'studio' has start images of 250 bytes already and may have 250", refused.Message,
            StringComparison.Ordinal);
        await owners.KeepAsync(new string('c', 64) + ".jpg", 250, "rival", CancellationToken.None);
        Assert.Equal(3L, await _database.SqlAsync<long>("select count(*) from start_images"));
    }

    [Fact]
    public async Task An_image_that_was_noted_by_SQL_with_less_counts_as_what_it_has_once_it_is_sent()
    {
        await AddTenantsAsync("studio");
        await _database.SqlAsync("select keep_start_image($1, 1, 10, 'studio')", Sent);
        var owners = Owners(quotaBytes: 250);
        await owners.KeepAsync(new string('b', 64) + ".png", 100, "studio", CancellationToken.None);
        await Assert.ThrowsAsync<SubmitRefusedException>(() => owners.KeepAsync(Sent, 151, "studio", CancellationToken.None));
        await owners.KeepAsync(Sent, 150, "studio", CancellationToken.None);
        // Noted with less once more, it still counts as what it has.
        await _database.SqlAsync("select keep_start_image($1, 1, 10, 'studio')", Sent);
        Assert.Equal(250m, await _database.SqlAsync<decimal>("select sum(size_bytes) from start_images"));
    }

    [Theory]
    [InlineData("name, null, 10", "keep_start_image.size_bytes: expected the length of the image, from 1 to 33554432 bytes, got null.")]
    [InlineData("name, 0, 10", "keep_start_image.size_bytes: expected the length of the image, from 1 to 33554432 bytes, got 0.")]
    [InlineData("name, 9223372036854775807, 9223372036854775807",
        "keep_start_image.size_bytes: expected the length of the image, from 1 to 33554432 bytes, got 9223372036854775807.")]
    [InlineData("name, 1, null", "keep_start_image.quota_bytes: expected a number of bytes from 0 on, got null.")]
    [InlineData("name, 1, -1", "keep_start_image.quota_bytes: expected a number of bytes from 0 on, got -1.")]
    [InlineData("null, 1, 10",
        "keep_start_image.name: expected the SHA-256 of the image in lower case and .png, .jpg or .webp, got null.")]
    [InlineData("'a.png', 1, 10",
        "keep_start_image.name: expected the SHA-256 of the image in lower case and .png, .jpg or .webp, got \"a.png\".")]
    public async Task A_start_image_with_a_value_that_no_image_has_is_refused(string values, string message)
    {
        var refused = await Assert.ThrowsAsync<PostgresException>(() => _database.SqlAsync(
            $"select keep_start_image({values}) from (select repeat('a', 64) || '.png' as name) image"));
        Assert.Equal(("BG001", message), (refused.SqlState, refused.MessageText));
    }

    [Fact]
    public async Task The_database_and_the_program_accept_start_images_of_the_same_length()
    {
        const long Longest = StartImageFolder.MaxFileBytes;
        await Owners(long.MaxValue).KeepAsync(Sent, Longest, "default", CancellationToken.None);
        await Assert.ThrowsAsync<SubmitRefusedException>(
            () => Owners(long.MaxValue).KeepAsync(new string('b', 64) + ".png", Longest + 1, "default", CancellationToken.None));
    }

    [Fact]
    public async Task Sizes_that_were_noted_before_they_had_a_limit_break_no_later_upload()
    {
        await AddTenantsAsync("studio");
        await _database.SqlAsync(
            "insert into start_images (name, tenant_id, size_bytes) select repeat(d, 64) || '.png', t.id, 9223372036854775807 "
                + "from tenants t, unnest(array['b', 'c']) d where t.name = 'studio'");
        var refused = await Assert.ThrowsAsync<SubmitRefusedException>(
            () => Owners(long.MaxValue).KeepAsync(Sent, 1, "studio", CancellationToken.None));
        Assert.StartsWith("start_image: tenant 'studio' has start images of 18446744073709551614 bytes already", refused.Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_tenant_does_not_pass_its_quota_by_sending_many_start_images_at_once()
    {
        await AddTenantsAsync("studio");
        var owners = Owners(quotaBytes: 250);
        var sent = await Task.WhenAll("0123456789abcdef".Select(async digit =>
        {
            try
            {
                await owners.KeepAsync(new string(digit, 64) + ".png", 100, "studio", CancellationToken.None);
                return 1;
            }
            catch (SubmitRefusedException)
            {
                return 0;
            }
        }));
        Assert.Equal(2, sent.Sum());
    }

    [Theory]
    [InlineData("a.png")]
    [InlineData("cats/big one.png")]
    [InlineData("..a/b..png")]
    [InlineData("")]
    [InlineData("/etc/passwd")]
    [InlineData("../a.png")]
    [InlineData("a/../b.png")]
    [InlineData("a/..")]
    [InlineData("./a.png")]
    [InlineData("a//b.png")]
    [InlineData("a/")]
    [InlineData("a\\b.png")]
    [InlineData("C:a.png")]
    [InlineData("a\n.png")]
    [InlineData(" a.png")]
    public async Task The_database_and_the_worker_accept_the_same_names_of_start_images(string name) =>
        Assert.Equal(StartImageFolder.IsName(name), await _database.SqlAsync<bool>("select is_start_image_name($1)", name));

    [Fact]
    public async Task A_name_that_no_file_system_holds_is_refused_when_it_is_submitted_and_both_count_alike()
    {
        foreach (var name in (string[])[new string('é', 127), new string('é', 128), $"{new string('é', 127)}/{new string('a', 70)}"])
            await The_database_and_the_worker_accept_the_same_names_of_start_images(name);
        var refused = await Assert.ThrowsAsync<SubmitRefusedException>(
            () => _database.Submitter.SubmitAsync([new JobRequest { StartImage = new string('é', 128) }], CancellationToken.None));
        Assert.StartsWith("jobs[0].start_image: no file system holds a name of more than 255 bytes", refused.Message,
            StringComparison.Ordinal);
    }

    private async Task AddTenantsAsync(params string[] names)
    {
        foreach (var name in names) await _database.SqlAsync("insert into tenants (name) values ($1)", name);
    }

    private StartImageOwners Owners(long quotaBytes = 1 << 20)
    {
        _database.Queue.Options.StartImageQuotaBytes = quotaBytes;
        return new StartImageOwners(_database.Queue);
    }

    private Task SubmitAsync(bool staged, string tenant, params string?[] startImages)
    {
        var jobs = startImages.Select(name => new JobRequest { Prompt = "a", StartImage = name }).ToArray();
        return staged ? _database.Submitter.SubmitManyAsync(jobs, tenant, CancellationToken.None)
            : _database.Submitter.SubmitAsync(jobs, tenant, CancellationToken.None);
    }
}
