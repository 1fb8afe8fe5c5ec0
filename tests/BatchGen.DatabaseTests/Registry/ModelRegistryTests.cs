using BatchGen.Core.Registry;
using BatchGen.Queue;
using BatchGen.Testing;
using Xunit;

namespace BatchGen.DatabaseTests.Registry;

public sealed class ModelRegistryTests
{
    private static readonly ModelRecord WithoutPrediction = new(
        "tune", "/models/tune.safetensors", "sd21", new string('a', 64), [new MasterFile("", 10, new string('b', 64))]);

    [Fact]
    public async Task A_models_prediction_type_is_stored_and_replaced_only_with_replace()
    {
        await using var database = await TestDatabase.CreateAsync();
        // The prediction type is part of the digest: with it the same file counts as another model.
        var withPrediction = WithoutPrediction with { Sha256 = new string('c', 64), Prediction = "v_prediction" };
        await database.Models.AddAsync(WithoutPrediction, replace: false, CancellationToken.None);
        await Assert.ThrowsAsync<QueueException>(() => database.Models.AddAsync(withPrediction, replace: false, CancellationToken.None));
        var before = await database.Models.FindAsync("tune", CancellationToken.None);
        await database.Models.AddAsync(withPrediction, replace: true, CancellationToken.None);

        Assert.Null(before!.Prediction);
        Assert.Equal("v_prediction", (await database.Models.FindAsync("tune", CancellationToken.None))!.Prediction);
        Assert.Equal("v_prediction", Assert.Single(await database.Models.ListAsync(CancellationToken.None)).Prediction);
    }
}
