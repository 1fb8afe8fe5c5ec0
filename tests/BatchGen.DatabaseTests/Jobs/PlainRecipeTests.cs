using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using BatchGen.Core.Jobs;
using BatchGen.Testing;
using Npgsql;
using Xunit;

namespace BatchGen.DatabaseTests.Jobs;

/// <summary>
/// Jobs that need nothing but defaults pass a quick look (<c>recipe_is_plain</c>); the others are checked field by field. Both must come to
/// the same recipe, or to the same refusal.
/// </summary>
public sealed class PlainRecipeTests : IAsyncLifetime
{
    private TestDatabase _database = null!;

    public async ValueTask InitializeAsync()
    {
        _database = await TestDatabase.CreateAsync();
        await _database.AddModelAsync(native: 64);
    }

    public ValueTask DisposeAsync() => _database.DisposeAsync();

    public static TheoryData<string> Fields => [.. JobFields.Recipe.Select(recipeField => recipeField.Name)];

    [Theory]
    [MemberData(nameof(Fields))]
    public async Task A_value_comes_to_the_same_whether_the_job_is_looked_at_quickly_or_checked_by_field(string name)
    {
        var outcomes = new HashSet<string>();
        foreach (var value in Values(JobFields.Find(name)!))
        {
            var job = new JsonObject { [JobFields.Seed.Name] = 5, [name] = JsonNode.Parse(value) };
            var quick = await OutcomeAsync("select submit_job($1::jsonb)", job.ToJsonString(), "jobs[0]");
            var staged = await OutcomeAsync(
                "with row as (insert into staged_jobs (recipe) values ($1::jsonb)) select 0", job.ToJsonString(), "line 1");
            // A field that is null counts as left out, and is never passed by the quick look.
            foreach (var other in JobFields.Recipe.Where(field => field.Requires is not null)) job.TryAdd(other.Name, null);
            var checkedByField = await OutcomeAsync("select submit_job($1::jsonb)", job.ToJsonString(), "jobs[0]");
            Assert.Equal((value, checkedByField), (value, quick));
            Assert.Equal((value, checkedByField), (value, staged));
            outcomes.Add(quick);
        }

        Assert.True(outcomes.Count > 1, "The values made no difference.");
    }

    // What a field may be, what it may just not be, and other spellings of it.
    private static IEnumerable<string> Values(JobField field)
    {
        // A seed that is left out is drawn.
        if (field.Type != JobFieldType.Seed) yield return "null";
        yield return "true";
        yield return "\"\"";
        yield return "[1]";
        if (field.Default is { } text) yield return text;
        foreach (var choice in (field.Choices ?? ["Some Text"]).Take(3))
        {
            yield return JsonSerializer.Serialize(choice);
            yield return JsonSerializer.Serialize(" " + choice.ToUpperInvariant());
        }

        if (field.Type == JobFieldType.Text)
        {
            yield return JsonSerializer.Serialize(new string('ä', (int)field.Maximum!));
            yield return JsonSerializer.Serialize(new string('ä', (int)field.Maximum! + 1));
        }

        foreach (var bound in new[] { field.Minimum, field.Maximum }.OfType<decimal>())
            foreach (var number in new[] { bound - 1, bound, bound + 0.5m, bound + 1, bound + (field.MultipleOf ?? 2) })
                yield return number.ToString(CultureInfo.InvariantCulture);
        yield return "0";
        yield return "0.0";
        yield return "0.25";
        yield return "64.0";
        yield return "0.123456789012345678";
        yield return "1e-30";
    }

    private async Task<string> OutcomeAsync(string statement, string job, string place)
    {
        try
        {
            await _database.SqlAsync<object>(statement, job);
            if (place == "line 1") await _database.SqlAsync<long>("select submit_staged()");
            return await _database.SqlAsync<string>("select recipe::text from job_recipes order by job_id desc limit 1") ?? "";
        }
        catch (PostgresException refused)
        {
            await _database.SqlAsync("truncate staged_jobs");
            return $"{refused.SqlState} {refused.MessageText.Replace(place, "the job", StringComparison.Ordinal)}";
        }
    }
}
