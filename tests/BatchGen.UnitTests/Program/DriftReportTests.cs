using BatchGen.Core.Adapters;
using BatchGen.Core.Imaging;
using BatchGen.Core.Jobs;
using BatchGen.Core.Registry;
using BatchGen.Core.Rendering;
using BatchGen.Diffusion.Drift;
using BatchGen.Imaging;
using BatchGen.Reports;
using BatchGen.UnitTests.Imaging;

namespace BatchGen.UnitTests.Program;

public sealed class DriftReportTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("batchgen-drift-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_report_with_images_holds_the_page_the_table_both_plots_and_both_contact_sheets()
    {
        var files = DriftReport.Write(Result(withImages: true), _folder);

        Assert.Equal(
            ["drift.html", "drift.csv", "drift-differences.png", "drift-sheet.png", "drift-psnr.png", "drift-weights.png"], files.Select(Path.GetFileName));
        Assert.All(files.Where(file => file.EndsWith(".png", StringComparison.Ordinal)), file => Assert.True(ImageEncoder.Decode(File.ReadAllBytes(file)).WidthPixels > 0));
        var page = File.ReadAllText(files[0]);
        Assert.Contains("&lt;usual&gt;", page, StringComparison.Ordinal);
        Assert.Contains("ours: checksummed after each of 2 cycles; 0 differed from the baseline.", page, StringComparison.Ordinal);
        Assert.Contains("<td>equal</td>", page, StringComparison.Ordinal);
        Assert.Equal(4, page.Split("data:image/png;base64,").Length - 1);
    }

    [Fact]
    public void The_table_has_a_line_for_every_sample_of_every_procedure()
    {
        var files = DriftReport.Write(Result(withImages: true), _folder);

        Assert.Equal(
            [
                "procedure,cycles,relative_rms_error,share_changed,psnr_db,ssim,digest",
                "\"<usual>\",1,0.25,0.5,40,0.9,01", "\"<usual>\",2,0.5,0.5,30,0.8,02", "\"ours\",1,0,0,100,1,00", "\"ours\",2,0,0,100,1,00",
            ],
            File.ReadAllLines(files.Single(file => file.EndsWith(".csv", StringComparison.Ordinal))));
    }

    [Fact]
    public void A_report_of_weights_only_has_no_contact_sheets()
    {
        var files = DriftReport.Write(Result(withImages: false), _folder);

        Assert.Equal(["drift.html", "drift.csv", "drift-weights.png"], files.Select(Path.GetFileName));
    }

    private static DriftResult Result(bool withImages)
    {
        var image = new RenderedImage(1, 24, 16, SampleRecipe.Flat(24, 16, 10, 20, 30).Rgb);
        var other = new RenderedImage(1, 24, 16, SampleRecipe.Flat(24, 16, 10, 20, 31).Rgb);
        var plan = new DriftPlan(
            new ModelRecord("demo", "/models/demo", "", "", []), AdapterSignature.Create("demo", [new AdapterUse("ink", 1m)]), [], 2, "float16",
            withImages ? [new ClaimedJob(1, 1, Recipe())] : [], []);
        DriftSample Sample(int cycle, WeightError weights, RenderedImage drawn, double psnr, double ssim) =>
            new(cycle, weights, withImages ? [drawn] : [], withImages ? [new ImageComparison(psnr, ssim, 1)] : []);
        return new DriftResult(plan, 3, 1000, withImages ? [image] : [],
        [
            new("<usual>", "Adds and subtracts.", false, [Sample(1, new(0.25, 0.5, "01"), other, 40, 0.9), Sample(2, new(0.5, 0.5, "02"), other, 30, 0.8)], 0, 10),
            new("ours", "Drops an overlay.", true,
                [Sample(1, new(0, 0, "00"), image, double.PositiveInfinity, 1), Sample(2, new(0, 0, "00"), image, double.PositiveInfinity, 1)], 0, 5),
        ]);
    }

    private static RenderRecipe Recipe() => new()
    {
        Prompt = "a red circle", Signature = AdapterSignature.Create("demo", []), WidthPixels = 24, HeightPixels = 16, Steps = 1, Sampler = "ddim", GuidanceScale = 1, Seed = 1,
    };
}
