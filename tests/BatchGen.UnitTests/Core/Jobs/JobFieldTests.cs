using System.Text.Json.Nodes;
using BatchGen.Core.Jobs;
using BatchGen.Dashboard.Api;
using Microsoft.OpenApi;

namespace BatchGen.UnitTests.Core.Jobs;

public sealed class JobFieldTests
{
    [Theory]
    [InlineData("prompt", "at most 20,000 characters")]
    [InlineData("width", "64 to 2048, a multiple of 8")]
    [InlineData("strength", "above 0 to 1")]
    [InlineData("format", "one of png, webp, jpeg")]
    [InlineData("tags", "at most 32 words of up to 100 characters")]
    [InlineData("run_at", null)]
    public void The_limits_of_a_field_are_said_in_words(string name, string? limits) => Assert.Equal(limits, JobFields.Find(name)!.Limits);

    [Theory]
    [InlineData("steps", "Denoising steps. 1 to 1000. Default: 20.")]
    [InlineData("format", "File format. One of png, webp, jpeg. Default: png.")]
    [InlineData("deadline", "The job fails if it was not started by then. Default: none.")]
    public void The_full_help_of_a_field_adds_limits_and_default(string name, string help) =>
        Assert.Equal(help, JobFields.Find(name)!.FullHelp);

    [Fact]
    public void The_API_schema_has_numbers_as_numbers_names_as_enums_and_the_defaults()
    {
        var properties = ApiJobSchema.OfSubmit().Properties!;
        Assert.Equal(
            JobFields.All.Where(field => field.IsSetBy(JobFieldWays.Json)).Select(field => field.Name).Order(StringComparer.Ordinal),
            properties.Keys.Order(StringComparer.Ordinal));
        var (steps, guidance, sampler) = (properties["steps"], properties["guidance_scale"], properties["sampler"]);
        Assert.Equal(
            (JsonSchemaType.Integer, "1", "1000", "20"), (steps.Type, steps.Minimum, steps.Maximum, steps.Default!.ToJsonString()));
        Assert.Equal((JsonSchemaType.Number, "7.5"), (guidance.Type, guidance.Default!.ToJsonString()));
        Assert.Equal(JobFields.Sampler.Choices, sampler.Enum!.Select(choice => choice.GetValue<string>()));
        Assert.Equal((JsonSchemaType.Integer, "int64"), (properties["seed"].Type, properties["seed"].Format));
        Assert.Equal((null, "0"), (properties["strength"].Minimum, properties["strength"].ExclusiveMinimum));
        Assert.Equal(8, properties["width"].MultipleOf);
    }
}
