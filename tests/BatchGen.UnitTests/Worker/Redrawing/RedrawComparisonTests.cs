using BatchGen.Core.Imaging;
using BatchGen.Core.Jobs;
using BatchGen.Imaging;
using BatchGen.UnitTests.Imaging;
using BatchGen.Worker.Redrawing;

namespace BatchGen.UnitTests.Worker.Redrawing;

/// <summary>What an image that was drawn again says about its recorded file.</summary>
public sealed class RedrawComparisonTests
{
    private static readonly ImageRecipe Now = SampleRecipe.Make() with { Processor = "a processor", Torch = "2.10.0", Threads = 4 };

    [Fact]
    public void Circumstances_that_an_older_program_did_not_record_are_named_as_not_recorded()
    {
        var recorded = Now with { Processor = null, Torch = null, Threads = null };
        Assert.Equal(
            ["torch: 2.10.0, not recorded", "processor: a processor, not recorded", "threads: 4, not recorded"],
            Compare(recorded).Circumstances);
    }

    [Fact]
    public void Circumstances_are_empty_only_where_all_are_recorded_and_the_same()
    {
        Assert.Empty(Compare(Now).Circumstances);
        Assert.Equal(["threads: 4, recorded 8"], Compare(Now with { Threads = 8 }).Circumstances);
    }

    private static RedrawComparison Compare(ImageRecipe recorded)
    {
        var image = SampleRecipe.Noise();
        var file = ImageEncoder.Encode(image, ImageFormat.Png, recorded);
        return RedrawComparison.Of(file, recorded, new RedrawnImage(image, file, Now));
    }
}
