using System.Globalization;
using BatchGen.Core.Adapters;
using BatchGen.Core.Jobs;
using BatchGen.Testing;
using Xunit;

namespace BatchGen.DatabaseTests.Jobs;

public sealed class SignatureAgreementTests
{
    private static readonly string[] Names =
    [
        "a", "B", "b2", "Zebra", "ink-wash", "ink.wash", "ink wash", "ink_wash", "0", "Ärger", "éclair", "ωmega", "水墨", "ß",
    ];

    [Fact]
    public async Task The_database_and_the_library_write_the_same_signature()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddModelAsync("Model X");
        await database.AddAdaptersAsync(Names);
        var random = new Random(20260131);
        var requests = Enumerable.Range(0, 2000).Select(_ => Draw(random)).ToArray();

        var ids = await database.Submitter.SubmitAsync(requests, CancellationToken.None);

        var jobs = await database.Catalog.FindAsync(ids, CancellationToken.None);
        for (var i = 0; i < requests.Length; i++)
        {
            var expected = AdapterSignature.Create("Model X",
                requests[i].Adapters!.Select(
                    use => new AdapterUse(Registered(use.Name), use.Strength ?? 1, use.TextEncoderStrength, use.BlockStrengths)));
            var written = await Task.FromResult(jobs[i].Recipe.Signature);
            Assert.Equal(expected.ToString(), written.ToString());
        }

        // Parsing would hide a text that is not canonical: compare the raw texts too.
        Assert.Equal(
            requests.Select(request => AdapterSignature.Create("Model X", request.Adapters!.Select(use =>
                new AdapterUse(Registered(use.Name), use.Strength ?? 1, use.TextEncoderStrength, use.BlockStrengths))).ToString()),
            (await database.SqlAsync<string[]>("select array_agg(signature order by id) from jobs"))!);
    }

    [Fact]
    public async Task Staged_rows_get_the_same_signature_as_jobs_in_JSON()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddModelAsync("Model X");
        await database.AddAdaptersAsync(Names);
        var random = new Random(20260201);
        var requests = Enumerable.Range(0, 500).Select(i => Draw(random) with { Seed = i }).ToArray();
        await database.Submitter.SubmitAsync(requests, CancellationToken.None);
        await database.Submitter.SubmitManyAsync(requests, null, CancellationToken.None);

        Assert.Equal(500L, await database.SqlAsync<long>("""
            select count(*) from (
              select (r.recipe -> 'seed')::bigint from jobs j join job_recipes r on r.job_id = j.id
              group by r.recipe -> 'seed' having count(*) = 2 and count(distinct j.signature) = 1) agreed
            """));
    }

    [Fact]
    public async Task Every_spelling_of_the_same_adapters_gives_the_canonical_signature()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddModelAsync("m");
        await database.AddAdaptersAsync("Ink", "wash");

        await database.Submitter.SubmitJsonAsync("""
            [{"adapters": "wash@.5+ink@0.80"},
             {"adapters": ["INK@.8", "wash@0.5000"]},
             {"adapters": [{"name": "Wash", "strength": 5e-1}, {"name": "ink", "strength": 0.80001, "text_encoder_strength": 0.8}]},
             {"adapters": " wash @ 0.5 + Ink @ 0.8:0.8 ", "model": "M"}]
            """, null, CancellationToken.None);

        Assert.Equal(Enumerable.Repeat("m|Ink@0.8+wash@0.5", 4),
            (await database.SqlAsync<string[]>("select array_agg(signature order by id) from jobs"))!);
    }

    private static string Registered(string name) => Names.Single(known => string.Equals(known, name, StringComparison.OrdinalIgnoreCase));

    private static JobRequest Draw(Random random)
    {
        var names = Names.ToArray();
        random.Shuffle(names);
        return new JobRequest
        {
            Adapters = names.Take(random.Next(0, 5)).Select(name => new JobRequestAdapter(
                random.Next(2) == 0 ? name.ToUpperInvariant() is var upper && upper.Length == name.Length
                    && Names.Contains(upper.ToLowerInvariant()) ? upper : name : name,
                random.Next(4) == 0 ? null : Strength(random),
                random.Next(3) == 0 ? Strength(random) : null,
                random.Next(4) == 0 ? Enumerable.Range(0, random.GetItems([17, 26], 1)[0])
                    .Select(_ => random.Next(3) == 0 ? Strength(random) : 1m).ToArray() : null)).ToArray(),
        };
    }

    private static decimal Strength(Random random) => random.Next(8) switch
    {
        0 => 0m,
        1 => -0.00001m,
        2 => 0.00005m,
        3 => 1.00m,
        4 => -16m,
        5 => decimal.Parse("0.8000", CultureInfo.InvariantCulture),
        6 => Math.Round((decimal)random.NextDouble() * 32 - 16, random.Next(0, 8)),
        _ => Math.Round((decimal)random.NextDouble(), 2),
    };
}
