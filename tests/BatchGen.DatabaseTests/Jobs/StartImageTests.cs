using BatchGen.Core.Jobs;
using BatchGen.Core.Submitting;
using BatchGen.Queue;
using BatchGen.Testing;
using Npgsql;
using Xunit;

namespace BatchGen.DatabaseTests.Jobs;

/// <summary>Start images, strength and guidance rescale on each way into the queue, and out of it to a worker.</summary>
public sealed class StartImageTests : IAsyncLifetime
{
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
}
