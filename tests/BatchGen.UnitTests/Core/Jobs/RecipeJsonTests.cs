using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using BatchGen.Core.Adapters;
using BatchGen.Core.Imaging;
using BatchGen.Core.Jobs;

namespace BatchGen.UnitTests.Core.Jobs;

public sealed class RecipeJsonTests
{
    private const string Least =
        """{"prompt":"p","width":64,"height":72,"steps":3,"sampler":"ddim","guidance_scale":7.5,"seed":5,"format":"png"}""";

    private static readonly AdapterSignature Signature = AdapterSignature.Create("m", []);

    [Theory]
    [InlineData("0")]
    [InlineData("0.0")]
    [InlineData("false")]
    [InlineData("null")]
    [InlineData("\"\"")]
    [InlineData("[]")]
    public void An_unknown_field_that_is_off_is_ignored(string value) =>
        Assert.Equal(Read(Least), Read(With("newer", value)));

    [Theory]
    [InlineData("0.5")]
    [InlineData("true")]
    [InlineData("\"a\"")]
    [InlineData("[0]")]
    [InlineData("{}")]
    public void An_unknown_field_that_is_set_is_refused_by_its_name(string value) => Assert.Equal(
        "newer", Assert.Throws<UnknownRecipeFieldException>(() => Read(With("newer", value))).Field);

    [Fact]
    public void Fields_that_are_off_are_not_written()
    {
        var recipe = Read(Least);
        Assert.Equal(
            JsonNode.Parse(Least)!.AsObject().Select(pair => pair.Key).Order(), RecipeJson.Write(recipe).Select(pair => pair.Key).Order());
        var written = RecipeJson.Write(recipe with { GuidanceRescale = 0.5, ClipSkip = 2 });
        Assert.Equal(("0.5", "2"), (written["guidance_rescale"]!.ToJsonString(), written["clip_skip"]!.ToJsonString()));
    }

    [Fact]
    public void A_recipe_with_every_field_set_is_read_as_it_was_written()
    {
        var recipe = Read(Least) with
        {
            NegativePrompt = "", Format = ImageFormat.WebP, ClipSkip = 1, StartImagePath = "a/b.png", Strength = 0.5,
            GuidanceRescale = 0.25,
        };
        Assert.Equal(recipe, Read(RecipeJson.Write(recipe).ToJsonString()));
    }

    [Theory]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{}")]
    public void A_text_that_is_not_a_recipe_is_refused(string json) =>
        Assert.Throws<JsonException>(() => Read(json));

    [Fact]
    public void Every_field_of_the_recipe_has_a_property_of_its_name_and_every_property_a_field()
    {
        var properties = Read(Least) with { NegativePrompt = "n", StartImagePath = "a.png", Strength = 0.5 };
        var written = JsonSerializer.SerializeToNode(properties, Plain)!.AsObject().Select(pair => pair.Key);
        Assert.Equal(JobFields.Recipe.Select(field => field.Name).Order(StringComparer.Ordinal), written.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_default_that_switches_a_field_off_is_the_default_of_its_property()
    {
        var written = JsonSerializer.SerializeToNode(Read(Least), Plain)!.AsObject();
        Assert.All(
            JobFields.Recipe.Where(field => field.DefaultIsOff),
            field => Assert.Equal(field.Default, written[field.Name]?.ToJsonString()));
    }

    [Fact]
    public void An_image_recipe_of_layout_1_is_read_with_width_and_height_as_jobs_name_them()
    {
        var recipe = ImageRecipeJson.Read("""
            {"schema":1,"job_id":7,"prompt":"p","width_pixels":64,"height_pixels":72,"seed":5,"model":"m","model_sha256":"a","adapters":[],
             "signature":"m|","device":"cpu","compute_type":"float32","program":"BatchGen 0.1.0"}
            """);
        Assert.Equal((1, 7, "64", "72"), (recipe.Schema, recipe.JobId, recipe.TextOf(JobFields.Width), recipe.TextOf(JobFields.Height)));
        Assert.DoesNotContain("width_pixels", recipe.Fields.Select(pair => pair.Key));
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("{}")]
    public void An_image_recipe_without_its_fields_is_refused(string json) =>
        Assert.ThrowsAny<JsonException>(() => ImageRecipeJson.Read(json));

    private static readonly JsonSerializerOptions Plain = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    private static RenderRecipe Read(string json) => RecipeJson.Read(Encoding.UTF8.GetBytes(json), Signature);

    private static string With(string name, string value) => $"{Least[..^1]},\"{name}\":{value}}}";
}
