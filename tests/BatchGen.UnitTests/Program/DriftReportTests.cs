using System.Net;
using BatchGen.Core.Adapters;
using BatchGen.Core.Imaging;
using BatchGen.Core.Jobs;
using BatchGen.Core.Registry;
using BatchGen.Core.Rendering;
using BatchGen.Diffusion.Drift;
using BatchGen.Imaging;
using BatchGen.Reports;

namespace BatchGen.UnitTests.Program;

public sealed class DriftReportTests : IDisposable
{
    private const int Side = 16;
    private readonly string _folder = Directory.CreateTempSubdirectory("batchgen-drift-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_report_has_page_table_two_plots_and_two_contact_sheets()
    {
        var files = await WriteAsync(Result(withImages: true));
        Assert.Equal(
            ["drift.html", "drift.csv", "drift-weights.png", "drift-psnr.png", "drift-sheet.png", "drift-differences.png"],
            files.Select(Path.GetFileName));
        foreach (var image in files.Where(file => Path.GetExtension(file) == ".png"))
            Assert.True(ImageEncoder.Decode(await ReadAsync(image)).Rgb.Distinct().Count() > 2, $"{image} shows nothing");
    }

    [Fact]
    public async Task A_report_of_weights_only_has_no_images_of_the_model()
    {
        var files = await WriteAsync(Result(withImages: false));
        Assert.Equal(["drift.html", "drift.csv", "drift-weights.png"], files.Select(Path.GetFileName));
    }

    [Fact]
    public async Task The_plot_shows_a_line_for_each_procedure()
    {
        var one = await DrawWeightsAsync(Result(withImages: false, procedures: 1));
        var two = await DrawWeightsAsync(Result(withImages: false, procedures: 2));
        Assert.NotEqual(one.Rgb, two.Rgb);
        Assert.True(CountColours(two) > CountColours(one), "the second line has no colour of its own");
    }

    [Fact]
    public async Task The_table_has_a_row_for_each_measurement()
    {
        var files = await WriteAsync(Result(withImages: true));
        Assert.Equal(
            """
            procedure,cycles,relative_rms_error,share_changed,psnr_db,ssim,digest
            "fuse <each>",1,0.001,0.25,30,0.9,d1
            "fuse <each>",10,0.01,0.5,20,0.8,d10
            "overlay",1,0,0,100,1,base
            "overlay",10,0,0,100,1,base

            """,
            await File.ReadAllTextAsync(files[1], TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task The_page_holds_the_last_measurements_the_images_and_names_as_text()
    {
        var files = await WriteAsync(Result(withImages: true));
        var page = await File.ReadAllTextAsync(files[0], TestContext.Current.CancellationToken);
        var decoded = WebUtility.HtmlDecode(page);
        Assert.StartsWith("<!doctype html>", page, StringComparison.Ordinal);
        Assert.Contains("10 cycles of <code>demo|", page, StringComparison.Ordinal);
        Assert.Contains("fuse &lt;each&gt;</td>", page, StringComparison.Ordinal);
        Assert.Contains("<td>1.0000%</td>", page, StringComparison.Ordinal);
        Assert.Contains("<td>20.0 dB</td>", page, StringComparison.Ordinal);
        Assert.Contains("<td>equal</td>", page, StringComparison.Ordinal);
        Assert.Contains("overlay: checksummed after each of 10 cycles; 0 differed from the baseline.", page, StringComparison.Ordinal);
        foreach (var image in files.Where(file => Path.GetExtension(file) == ".png"))
            Assert.Contains(
                $"src=\"data:image/png;base64,{Convert.ToBase64String(await ReadAsync(image))}\"", decoded, StringComparison.Ordinal);
    }

    private static DriftResult Result(bool withImages, int procedures = 2)
    {
        var signature = AdapterSignature.Create("demo", []);
        var recipe = new RenderRecipe
        {
            Signature = signature, Prompt = "a <star>", WidthPixels = Side, HeightPixels = Side, Steps = 1, Sampler = "ddim",
            GuidanceScale = 1, Seed = 1,
        };
        ClaimedJob[] jobs = withImages ? [new ClaimedJob(1, 1, recipe)] : [];
        var model = new ModelRecord("demo", "/models/demo", "sd15", new string('a', 64), [], Side, Side);
        var plan = new DriftPlan(model, signature, [], 10, "float16", jobs, ["unfuse-each", "overlay"]);
        DriftSeries[] series =
        [
            new("fuse <each>", "Adds and subtracts.", false,
                [Sample(1, 0.001, 0.25, 30, 0.9, "d1"), Sample(10, 0.01, 0.5, 20, 0.8, "d10")], 0, 5),
            new("overlay", "Drops new tensors.", true, [Sample(1, 0, 0, 200, 1, "base"), Sample(10, 0, 0, 200, 1, "base")], 0, 5),
        ];
        return new DriftResult(plan, 2, 1000, withImages ? [Grey(100)] : [], series[..procedures]);

        DriftSample Sample(int cycle, double error, double changed, double psnr, double ssim, string digest) => new(
            cycle, new WeightError(error, changed, digest), withImages ? [Grey(110)] : [],
            withImages ? [new ImageComparison(psnr, ssim, 1)] : []);
    }

    private static RenderedImage Grey(byte value) => new(1, Side, Side, [.. Enumerable.Repeat(value, Side * Side * 3)]);

    private async Task<PixelImage> DrawWeightsAsync(DriftResult result) =>
        ImageEncoder.Decode(await ReadAsync((await WriteAsync(result))[2]));

    private static int CountColours(PixelImage image) =>
        image.Rgb.Chunk(3).Select(pixel => (pixel[0], pixel[1], pixel[2])).Distinct().Count();

    private Task<IReadOnlyList<string>> WriteAsync(DriftResult result) =>
        DriftReport.WriteAsync(result, _folder, TestContext.Current.CancellationToken);

    private static Task<byte[]> ReadAsync(string path) => File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken);
}
