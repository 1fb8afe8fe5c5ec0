using BatchGen.Core.Adapters;
using BatchGen.Core.Jobs;
using BatchGen.Core.Rendering;
using Xunit;

namespace BatchGen.UnitTests.Core;

public sealed class BatchShapeTests
{
    [Fact]
    public void Jobs_of_equal_shape_form_groups_in_order_of_first_appearance()
    {
        var jobs = new[] { Job(1, 64), Job(2, 128), Job(3, 64), Job(4, 64), Job(5, 128) };
        var groups = BatchShape.Group(jobs, 2).Select(group => group.Select(job => job.JobId).ToArray()).ToArray();
        Assert.Equal(new[] { new long[] { 1, 3 }, [4], [2, 5] }, groups);
    }

    [Fact]
    public void Every_job_is_in_exactly_one_group()
    {
        var jobs = Enumerable.Range(0, 37).Select(i => Job(i, 64 + 8 * (i % 3))).ToArray();
        Assert.Equal(
            jobs.Select(job => job.JobId).Order(), BatchShape.Group(jobs, 4).SelectMany(group => group).Select(job => job.JobId).Order());
    }

    private static ClaimedJob Job(long id, int width) => new(id, 1, new RenderRecipe
    {
        Prompt = "",
        Signature = AdapterSignature.Create("m", []),
        WidthPixels = width,
        HeightPixels = 64,
        Steps = 20,
        Sampler = "ddim",
        GuidanceScale = 7.5,
        Seed = id,
    });
}
