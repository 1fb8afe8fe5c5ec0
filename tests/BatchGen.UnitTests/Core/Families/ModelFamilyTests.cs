using System.Text.RegularExpressions;
using BatchGen.Core.Families;
using BatchGen.Testing;

namespace BatchGen.UnitTests.Core.Families;

public sealed partial class ModelFamilyTests
{
    [Fact]
    public void Every_family_is_found_by_its_code_and_an_unknown_code_gives_none()
    {
        Assert.All(ModelFamilies.All, family => Assert.Same(family, ModelFamilies.Find(family.Code)));
        Assert.Equal(ModelFamilies.All.Count, ModelFamilies.All.Select(family => family.Code).Distinct().Count());
        Assert.Null(ModelFamilies.Find("family-of-a-newer-program"));
    }

    [Theory]
    [InlineData("sd15", 512, "17 or 26")]
    [InlineData("sd21", 512, "17 or 26")]
    [InlineData("sdxl", 1024, "12, 20 or 26")]
    public void A_family_says_its_native_size_and_how_many_block_strengths_it_takes(string code, int nativeSize, string counts)
    {
        var family = ModelFamilies.Find(code)!;
        Assert.Equal(nativeSize, family.NativeSizePixels);
        Assert.Equal(counts, family.BlockStrengthCounts);
        Assert.All(family.BlockStrengthLayouts, layout => Assert.Same(layout, family.FindLayout(layout.Count)));
        Assert.Null(family.FindLayout(13));
    }

    [Fact]
    public void Every_block_strength_layout_names_each_block_once_and_begins_with_the_text_encoders()
    {
        Assert.All(ModelFamilies.All.SelectMany(family => family.BlockStrengthLayouts), layout =>
        {
            Assert.Equal(layout.Count, layout.Places.Distinct(StringComparer.Ordinal).Count());
            Assert.Equal(BlockStrengthLayout.Base, layout.Places[0]);
            Assert.Contains(BlockStrengthLayout.Middle, layout.Places);
        });
    }

    [Fact]
    public void No_code_outside_of_the_family_folders_names_a_family_by_its_code()
    {
        var codes = ModelFamilies.All.Select(family => $"\"{family.Code}\"").ToArray();
        var offenders = Directory.EnumerateFiles(Path.Combine(RepositoryPaths.Root, "src"), "*.*", SearchOption.AllDirectories)
            .Where(file => file.EndsWith(".cs", StringComparison.Ordinal) || file.EndsWith(".razor", StringComparison.Ordinal))
            .Where(file => !OtherFolder().IsMatch(file.Replace('\\', '/')))
            .Where(file => codes.Any(code => File.ReadAllText(file).Contains(code, StringComparison.Ordinal)));

        Assert.Empty(offenders);
    }

    [GeneratedRegex("/(Families|bin|obj)/", RegexOptions.ExplicitCapture)]
    private static partial Regex OtherFolder();
}
