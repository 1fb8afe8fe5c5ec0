using BatchGen.Queue;
using BatchGen.Testing;
using FsCheck;
using FsCheck.Fluent;

namespace BatchGen.DatabaseTests.Claims;

/// <summary>A step of a random history.</summary>
/// <param name="Action">Chooses the action, from 0 to 999.</param>
/// <param name="X">Chooses details of the action, from 0 to 999.</param>
/// <param name="Y">Chooses more details of the action, from 0 to 999.</param>
internal readonly record struct HistoryStep(int Action, int X, int Y);

/// <summary>Random histories that property tests run on a database of their own.</summary>
internal static class RandomHistory
{
    /// <summary>Adapters that jobs of a history may name.</summary>
    public static IReadOnlyList<string> Adapters { get; } = ["a", "b", "c", "d", "e"];

    /// <summary>Runs a property on random histories; throws with the history on which it failed.</summary>
    /// <param name="histories">How many histories.</param>
    /// <param name="length">Steps of a history.</param>
    /// <param name="property">Throws when the property does not hold for these steps.</param>
    public static void Check(int histories, int length, Func<HistoryStep[], Task> property)
    {
        var step =
            from action in Gen.Choose(0, 999)
            from x in Gen.Choose(0, 999)
            from y in Gen.Choose(0, 999)
            select new HistoryStep(action, x, y);
        var config = Config.QuickThrowOnFailure.WithMaxTest(histories).WithQuietOnSuccess(true);
        Prop.ForAll(step.ArrayOf(length).ToArbitrary(), property).Check(config);
    }

    /// <summary>Makes a database with a model and the adapters.</summary>
    public static async Task<TestDatabase> CreateDatabaseAsync(QueueOptions options)
    {
        var database = await TestDatabase.CreateAsync(options);
        await database.AddModelAsync();
        await database.AddAdaptersAsync(Adapters);
        return database;
    }

    /// <summary>Empties the queue between two histories, which is quicker than another database.</summary>
    public static Task EmptyQueueAsync(TestDatabase database) => database.SqlAsync("""
        truncate jobs, job_recipes, images, job_attempts, job_counts, job_count_changes, batches, campaign_batches,
          weight_checkpoints, workers cascade
        """);

    /// <summary>Makes every ready job older, as if time had passed.</summary>
    public static Task PassTimeAsync(TestDatabase database, TimeSpan time) =>
        database.SqlAsync("""
            with older as (update jobs set run_at = run_at - $1 where indexed_state = 'ready')
            select nextval('requeues')
            """, time);
}
