using BatchGen.Core.Jobs;
using BatchGen.Core.Rendering;
using BatchGen.Testing;
using Xunit;

namespace BatchGen.DatabaseTests.Jobs;

public sealed class SamplerTableTests
{
    [Fact]
    public async Task The_samplers_table_lists_every_sampler_of_the_renderer_in_the_same_order()
    {
        await using var database = await TestDatabase.CreateAsync();
        Assert.Equal(SamplerNames.All, await database.SqlAsync<string[]>("select array_agg(name order by position) from samplers"));
        await database.AddModelAsync();
        var ids = await database.Submitter.SubmitAsync(
            SamplerNames.All.Select(name => new JobRequest { Sampler = name.ToUpperInvariant() }).ToArray(), CancellationToken.None);
        Assert.Equal(SamplerNames.All, (await database.Catalog.FindAsync(ids, CancellationToken.None)).Select(job => job.Recipe.Sampler));
    }
}
