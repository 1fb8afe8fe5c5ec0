using BatchGen.Worker.Batches;
using Xunit;

namespace BatchGen.UnitTests.Worker;

public sealed class TensorBatchLimitTests
{
    [Fact]
    public void The_limit_recovers_one_by_one_up_to_where_it_started()
    {
        var limit = new TensorBatchLimit(8);
        limit.LowerTo(2);
        Assert.Equal(2, limit.Value);
        for (var i = 0; i < 20; i++) limit.Recover();
        Assert.Equal(8, limit.Value);
    }

    [Fact]
    public void Lowering_never_leads_below_one_or_up()
    {
        var limit = new TensorBatchLimit(4);
        limit.LowerTo(0);
        Assert.Equal(1, limit.Value);
        limit.LowerTo(3);
        Assert.Equal(1, limit.Value);
    }
}
