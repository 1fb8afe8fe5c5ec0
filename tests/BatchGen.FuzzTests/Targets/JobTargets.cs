using System.Text;
using System.Text.Json;
using BatchGen.Core.Adapters;
using BatchGen.Core.Jobs;
using BatchGen.Core.Submitting;
using BatchGen.Core.Texts;
using BatchGen.FuzzTests.Guided;

namespace BatchGen.FuzzTests.Targets;

/// <summary>Lists of jobs, and recipes as the database holds them.</summary>
internal static class JobTargets
{
    private const int MaxMessage = 200_000;
    private const int MaxJobs = 200;

    private static readonly TimeReference Times = new(new DateTimeOffset(2026, 11, 30, 12, 0, 0, TimeSpan.Zero), TimeZoneInfo.Utc);
    private static readonly AdapterSignature Signature = AdapterSignature.Parse("demo|ink@0.5");

    private static readonly IReadOnlyList<byte[]> Words = FuzzTarget.Texts(
        [.. JobFile.FieldNames, "{", "}", "[", "]", "\"", ",", ";", "\t", "\n", "\r\n", ":", "null", "true", "\\u0000", "\\ud800",
            "\ufeff", "{colour}",
        "\"prompt\":", "{a|b}", "1e5", "-1", "png", "webp"]);

    public static IReadOnlyList<FuzzTarget> All { get; } =
    [
        List("csv", "prompt,seed,steps,adapters\na cup,1,20,ink@0.5\n\"a \"\"big\"\" {red|blue} cup\",2,,\n",
            "prompt;width;height;{colour};tags\r\na {colour} cup;512;512;red;a,b\r\n", "prompt\tcount\na\t3\n"),
        List("ndjson",
            """{"prompt":"a cup","seed":1,"adapters":[{"name":"ink","strength":0.5}]}""" + "\n" + """{"prompt":"b","seeds":[1,2]}""" + "\n",
            """{"prompt":"{colour} cup","{colour}":"red","run_at":"22:00","tags":["a"]}"""),
        List("json", """[{"prompt":"a cup","guidance_scale":7.5,"width":512},{"prompt":"b","count":2}]""",
            """{"prompt":"a","sampler":"euler","start_image":"x.png","strength":0.5}"""),
        new("job-recipe", Recipe, failure => failure is JsonException or UnknownRecipeFieldException,
            [Encoding.UTF8.GetBytes(SampleRecipe.Fields.ToJsonString())], Words, MaxMessage),
    ];

    private static FuzzTarget List(string ending, params string[] seeds) => new(
        ending, input => Read(input, "jobs." + ending), failure => failure is JobFileException, FuzzTarget.Texts(seeds), Words, MaxMessage);

    // The database takes nothing but valid JSON, and keeps one value of each name.
    private static void Recipe(byte[] input)
    {
        using var stored = ForeignJson.Parse(input);
        RecipeJson.Read(JsonSerializer.SerializeToUtf8Bytes(stored.RootElement), Signature);
    }

    private static void Read(byte[] input, string name)
    {
        var list = JobFile.Read(Encoding.UTF8.GetString(input), name, Times);
        foreach (var job in list.Take(MaxJobs)) GC.KeepAlive(job);
    }
}
