using BatchGen.Core.Jobs;
using BatchGen.Queue;
using BatchGen.Testing;
using Xunit;

namespace BatchGen.DatabaseTests.Jobs;

/// <summary>Adapters written into the prompt, as people know it from other tools.</summary>
public sealed class PromptAdapterTests
{
    [Theory]
    [InlineData("a cat <lora:ink>", "a cat", "demo|ink@1")]
    [InlineData("<lora:Ink:0.80> a cat", "a cat", "demo|ink@0.8")]
    [InlineData("a <lora:ink:0.8:0.5> cat", "a cat", "demo|ink@0.8:0.5")]
    [InlineData("a cat <lora:wash:0.7><lora:ink:te=0.5:unet=0.25>", "a cat", "demo|ink@0.25:0.5+wash@0.7")]
    [InlineData("a cat <lora:ink:1:lbw=1,0,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1>", "a cat", "demo|ink@1[1,0,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]")]
    [InlineData("a cat, 3 < 4 > 2", "a cat, 3 < 4 > 2", "demo|")]
    public async Task Adapters_written_into_the_prompt_move_to_the_signature(string prompt, string rest, string signature)
    {
        await using var database = await DatabaseAsync();
        var ids = await database.Submitter.SubmitAsync([new JobRequest { Prompt = prompt }], CancellationToken.None);
        var job = await database.Catalog.FindAsync(ids[0], CancellationToken.None);
        Assert.Equal((rest, signature), (job!.Recipe.Prompt, job.Recipe.Signature.ToString()));
    }

    [Fact]
    public async Task Adapters_in_the_prompt_are_added_to_the_adapters_of_the_job()
    {
        await using var database = await DatabaseAsync();
        var ids = await database.Submitter.SubmitAsync(
            [new JobRequest { Prompt = "x <lora:wash:0.5>", Adapters = [new JobRequestAdapter("ink")] }], CancellationToken.None);
        Assert.Equal(
            "demo|ink@1+wash@0.5", (await database.Catalog.FindAsync(ids[0], CancellationToken.None))!.Recipe.Signature.ToString());
    }

    [Theory]
    [InlineData("<lora:nosuch>", "nosuch")]
    [InlineData("<lora:ink:much>", "strength")]
    [InlineData("<lora:ink><lora:ink>", "named twice")]
    public async Task An_adapter_in_the_prompt_that_breaks_a_rule_is_refused(string prompt, string says)
    {
        await using var database = await DatabaseAsync();
        var error = await Assert.ThrowsAsync<SubmitRefusedException>(
            () => database.Submitter.SubmitAsync([new JobRequest { Prompt = prompt }], CancellationToken.None));
        Assert.Contains(says, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Adapters_in_the_prompts_of_staged_rows_move_to_the_signature()
    {
        await using var database = await DatabaseAsync();
        await database.SqlAsync("insert into staged_jobs (recipe, adapters) values ('{\"prompt\": \"x <lora:wash:0.5>\"}', 'ink@0.8'), "
            + "('{\"prompt\": \"y\"}', null)");
        Assert.Equal(2L, await database.SqlAsync<long>("select submit_staged()"));
        var jobs = await database.Catalog.ListAsync(new JobFilter(), CancellationToken.None);
        Assert.Equal(["demo|", "demo|ink@0.8+wash@0.5"], jobs.Select(job => job.Recipe.Signature.ToString()).Order(StringComparer.Ordinal));
        Assert.Equal(["x", "y"], jobs.Select(job => job.Recipe.Prompt).Order(StringComparer.Ordinal));
    }

    private static async Task<TestDatabase> DatabaseAsync()
    {
        var database = await TestDatabase.CreateAsync();
        await database.AddModelAsync();
        await database.AddAdaptersAsync("ink", "wash");
        return database;
    }
}
