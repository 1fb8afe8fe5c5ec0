using BatchGen.Core.Registry;
using BatchGen.Queue;
using BatchGen.Testing;
using Xunit;

namespace BatchGen.DatabaseTests.Registry;

public sealed class ModelRegistryTests
{
    private static readonly ModelRecord Unsaid = new("tune", "/models/tune.safetensors", "sd21", new string('a', 64), [new MasterFile("", 10, new string('b', 64))]);

    [Fact]
    public async Task What_a_model_predicts_is_kept_with_it_and_replaced_only_when_asked()
    {
        await using var database = await TestDatabase.CreateAsync();
        // Saying it makes another model of the same file, so the digest differs.
        var said = Unsaid with { Sha256 = new string('c', 64), Prediction = "v_prediction" };
        await database.Models.AddAsync(Unsaid, replace: false, CancellationToken.None);
        await Assert.ThrowsAsync<QueueException>(() => database.Models.AddAsync(said, replace: false, CancellationToken.None));
        var before = await database.Models.FindAsync("tune", CancellationToken.None);
        await database.Models.AddAsync(said, replace: true, CancellationToken.None);

        Assert.Null(before!.Prediction);
        Assert.Equal("v_prediction", (await database.Models.FindAsync("tune", CancellationToken.None))!.Prediction);
        Assert.Equal("v_prediction", Assert.Single(await database.Models.ListAsync(CancellationToken.None)).Prediction);
    }
}
