using BatchGen.Core.Families;
using BatchGen.Diffusion.Adapters;
using BatchGen.Diffusion.Families;

namespace BatchGen.UnitTests.Diffusion;

public sealed class FamilyRenderingTests
{
    [Fact]
    public void Every_family_can_be_rendered_and_stands_in_the_same_order_in_both_lists() =>
        Assert.Equal(ModelFamilies.All, FamilyRenderings.All.Select(family => family.Facts));

    [Fact]
    public void Every_family_has_one_denoiser_one_autoencoder_and_a_tokenizer_for_each_text_encoder()
    {
        Assert.All(FamilyRenderings.All, family =>
        {
            Assert.Single(family.Networks, network => network.Role == NetworkRole.Denoiser);
            Assert.Single(family.Networks, network => network.Role == NetworkRole.Autoencoder);
            Assert.Equal(family.TextEncoders.Count(), family.Tokenizers.Count);
            Assert.Contains(family.Pipeline, family.Pipelines);
        });
    }

    [Fact]
    public void Published_settings_of_every_family_have_all_its_networks_and_are_recognised_as_that_family()
    {
        Assert.All(FamilyRenderings.All, family =>
        {
            var configs = family.PublishedConfigs();
            Assert.Equal(
                family.Networks.Select(network => network.Name).Append("scheduler").Order(StringComparer.Ordinal),
                configs.Keys.Order(StringComparer.Ordinal));
            var denoiser = BatchGen.Diffusion.Models.ConfigFile.Parse(configs[family.Denoiser.Name].ToJsonString(), "published");
            Assert.Same(family, FamilyRenderings.OfFolder(family.Pipeline, denoiser));
        });
    }

    [Fact]
    public void No_start_of_an_adapter_key_is_the_start_of_another_so_that_their_order_does_not_matter()
    {
        var starts = FamilyRenderings.AdapterPrefixes.Select(prefix => prefix.Text).ToArray();
        Assert.Equal(starts.Length, starts.Distinct(StringComparer.Ordinal).Count());
        Assert.All(
            starts, start => Assert.DoesNotContain(starts, other => other != start && other.StartsWith(start, StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("sd15", 12, "has 12 block strengths, the layout of SDXL, but a model of family sd15 takes 17 or 26.")]
    [InlineData("sdxl", 17, "has 17 block strengths, the layout of SD 1.x and SD 2.x, but a model of family sdxl takes 12, 20 or 26.")]
    [InlineData("sd21", 5, "has 5 block strengths, but a model of family sd21 takes 17 or 26.")]
    public void Block_strengths_of_another_layout_are_refused_with_the_counts_that_fit(string code, int count, string expected)
    {
        var error = Assert.Throws<BatchGen.Core.Failures.AdapterException>(
            () => BlockStrengths.From("ink", [.. Enumerable.Repeat(1m, count)], ModelFamilies.Find(code)!));
        Assert.EndsWith(expected, error.Message, StringComparison.Ordinal);
    }
}
