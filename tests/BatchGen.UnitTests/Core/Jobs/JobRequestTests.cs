using System.Buffers;
using System.Text.Json.Nodes;
using BatchGen.Core.Jobs;

namespace BatchGen.UnitTests.Core.Jobs;

public sealed class JobRequestTests
{
    [Fact]
    public void A_request_with_another_value_leaves_the_original_as_it_was()
    {
        var original = new JobRequest { Prompt = "a", Steps = 3 };
        var changed = original.With(JobFields.Steps, 4);
        Assert.Equal((3, 4, "a"), (original.Steps, changed.Steps, changed.Prompt));
        Assert.Null(changed.With(JobFields.Steps, null).Steps);
    }

    [Fact]
    public void Filling_in_takes_only_the_fields_that_the_request_leaves_out()
    {
        var filled = new JobRequest { Steps = 3 }.FillIn(new JobRequest { Steps = 9, Seed = 5, Tags = ["x"] });
        Assert.Equal(new JobRequest { Steps = 3, Seed = 5, Tags = ["x"] }, filled);
    }

    [Fact]
    public void Requests_with_equal_values_in_their_lists_are_equal()
    {
        var left = new JobRequest { Prompt = "a", Tags = ["x"], Adapters = [new("ink", 0.8m, null, [1m, 0m])] };
        var right = new JobRequest { Prompt = "a", Tags = ["x"], Adapters = [new("ink", 0.8m, null, [1m, 0m])] };
        Assert.Equal(left, right);
        Assert.Equal(left.GetHashCode(), right.GetHashCode());
        Assert.NotEqual(left, right with { Tags = ["y"] });
    }

    [Fact]
    public void Every_type_of_value_is_written_in_its_JSON_form()
    {
        var request = new JobRequest
        {
            Prompt = "ü \"q\"", Width = 64, Seed = long.MinValue, GuidanceScale = 7.5, Sampler = "ddim", StartImage = "a.png",
            RunAt = new DateTimeOffset(2026, 1, 31, 22, 0, 0, TimeSpan.FromHours(1)), Tags = ["a", "b"],
            Adapters = [new("ink"), new("wash", 0.5m, 0.25m, [1m, 0m])],
        };
        var expected = JsonNode.Parse("""
            [{"prompt":"ü \"q\"","adapters":[{"name":"ink"},
               {"name":"wash","strength":0.5,"text_encoder_strength":0.25,"block_strengths":[1,0]}],
              "width":64,"sampler":"ddim","guidance_scale":7.5,"seed":-9223372036854775808,"start_image":"a.png",
              "run_at":"2026-01-31T22:00:00+01:00","tags":["a","b"]}]
            """);
        Assert.True(JsonNode.DeepEquals(expected, JsonNode.Parse(JobRequestJson.Write([request]))));
    }

    [Theory]
    [InlineData(double.NaN, "\"NaN\"")]
    [InlineData(double.PositiveInfinity, "\"Infinity\"")]
    public void A_number_that_is_not_finite_is_written_as_text(double number, string expected) =>
        Assert.Equal($$"""[{"guidance_scale":{{expected}}}]""", JobRequestJson.Write([new JobRequest { GuidanceScale = number }]));

    [Fact]
    public void The_recipe_part_of_a_request_has_no_other_fields()
    {
        var request = new JobRequest { Prompt = "a", Model = "m", Priority = 3, Steps = 2 };
        Assert.Equal("""{"prompt":"a","steps":2}""", JobRequestJson.WriteRecipe(request, new ArrayBufferWriter<byte>()));
    }
}
