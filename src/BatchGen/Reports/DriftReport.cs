using System.Globalization;
using System.Text;
using BatchGen.Core.Rendering;
using BatchGen.Diffusion.Drift;
using BatchGen.Imaging;
using BatchGen.Imaging.Sheets;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Web;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace BatchGen.Reports;

/// <summary>Writes what the drift laboratory measured: two plots, two contact sheets, an HTML page and a table in CSV.</summary>
internal static class DriftReport
{
    /// <summary>PSNR in dB that stands for equal images, whose true PSNR is infinite.</summary>
    public const double EqualPsnr = 100;

    // So that a difference of one step of 255 can be seen.
    private const int DifferenceScale = 16;

    /// <summary>Writes the report into a folder.</summary>
    /// <param name="result">What was measured.</param>
    /// <param name="folder">The folder; made when it is not there.</param>
    /// <param name="cancellationToken">Ends the writing between two files.</param>
    /// <returns>Paths of the files, the page first.</returns>
    public static async Task<IReadOnlyList<string>> WriteAsync(DriftResult result, string folder, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(folder);
        var images = DrawImages(result);
        var page = await RenderPageAsync(new DriftPage(result, images));
        var files = new List<DriftReportFile>
        {
            new("drift.html", Encoding.UTF8.GetBytes(page)),
            new("drift.csv", Encoding.UTF8.GetBytes(WriteTable(result))),
        };
        files.AddRange(images);
        foreach (var file in files) await File.WriteAllBytesAsync(Path.Combine(folder, file.Name), file.Bytes, cancellationToken);
        return [.. files.Select(file => Path.Combine(folder, file.Name))];
    }

    /// <summary>PSNR in dB, averaged over a sample's images; at most <see cref="EqualPsnr"/>, not a number without images.</summary>
    public static double MeanPsnr(DriftSample sample) =>
        sample.Comparisons.Count == 0 ? double.NaN : sample.Comparisons.Average(comparison => Math.Min(EqualPsnr, comparison.Psnr));

    /// <summary>SSIM averaged over a sample's images; not a number without images.</summary>
    public static double MeanSsim(DriftSample sample) =>
        sample.Comparisons.Count == 0 ? double.NaN : sample.Comparisons.Average(comparison => comparison.Ssim);

    private static List<DriftReportFile> DrawImages(DriftResult result)
    {
        var weights = LinePlot.Draw(
            $"Weights after N cycles of {result.Plan.Signature}",
            $"RMS error / RMS weight, {result.Plan.WeightType}",
            Lines(result, sample => sample.Weights.RelativeRms),
            logarithmic: true);
        var images = new List<DriftReportFile> { new("drift-weights.png", weights) };
        if (result.Originals.Count == 0) return images;
        var psnr = LinePlot.Draw(
            "Images of the plain model, same seeds, against those before the first cycle",
            $"PSNR in dB ({EqualPsnr}: equal)",
            Lines(result, MeanPsnr),
            logarithmic: false);
        images.Add(new("drift-psnr.png", psnr));
        images.Add(new("drift-sheet.png", DrawSheet(result, differences: false)));
        images.Add(new("drift-differences.png", DrawSheet(result, differences: true)));
        return images;
    }

    private static LinePlotSeries[] Lines(DriftResult result, Func<DriftSample, double> value) =>
    [
        .. result.Series.Select(series =>
            new LinePlotSeries(series.Name, [.. series.Samples.Select(sample => ((double)sample.Cycle, value(sample)))])),
    ];

    private static byte[] DrawSheet(DriftResult result, bool differences)
    {
        var rows = new List<ContactSheetRow>();
        if (!differences)
        {
            var originals = result.Originals.Select(
                (image, i) => new ContactSheetCell(Pixels(image), result.Plan.Images[i].Recipe.Prompt));
            rows.Add(new ContactSheetRow("before the first cycle", [.. originals]));
        }

        foreach (var series in result.Series)
        {
            var last = series.Samples[^1];
            var cells = last.Images.Select((image, i) => new ContactSheetCell(
                differences ? Difference(image, result.Originals[i]) : Pixels(image),
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{Math.Min(EqualPsnr, last.Comparisons[i].Psnr):0.0} dB, SSIM {last.Comparisons[i].Ssim:0.0000}")));
            var scale = differences ? $", difference x {DifferenceScale}" : "";
            rows.Add(new ContactSheetRow($"{series.Name}: after {last.Cycle:N0} cycles{scale}", [.. cells]));
        }

        return ContactSheet.Compose($"{result.Plan.Model.Name}: {result.Plan.Signature}, {result.Plan.WeightType}", rows);
    }

    private static PixelImage Pixels(RenderedImage image) => new(image.WidthPixels, image.HeightPixels, image.Rgb);

    // Mid-grey where nothing changed.
    private static PixelImage Difference(RenderedImage after, RenderedImage before)
    {
        var scaled = after.Rgb.Zip(before.Rgb, (now, original) => (byte)Math.Clamp(128 + DifferenceScale * (now - original), 0, 255));
        return new PixelImage(after.WidthPixels, after.HeightPixels, [.. scaled]);
    }

    private static string WriteTable(DriftResult result)
    {
        var text = new StringBuilder("procedure,cycles,relative_rms_error,share_changed,psnr_db,ssim,digest\n");
        foreach (var series in result.Series)
        {
            foreach (var sample in series.Samples)
            {
                text.Append(
                    CultureInfo.InvariantCulture,
                    $"\"{series.Name}\",{sample.Cycle},{sample.Weights.RelativeRms:g6},{sample.Weights.ShareChanged:g6},"
                    + $"{MeanPsnr(sample):0.###},{MeanSsim(sample):0.######},{sample.Weights.Digest}\n");
            }
        }

        return text.ToString();
    }

    private static async Task<string> RenderPageAsync(DriftPage page)
    {
        await using var services = new ServiceCollection().BuildServiceProvider();
        await using var renderer = new HtmlRenderer(services, NullLoggerFactory.Instance);
        var parameters = ParameterView.FromDictionary(new Dictionary<string, object?>(StringComparer.Ordinal) { ["Model"] = page });
        return await renderer.Dispatcher.InvokeAsync(
            async () => (await renderer.RenderComponentAsync<DriftReportPage>(parameters)).ToHtmlString());
    }
}

/// <summary>What the page shows.</summary>
/// <param name="Result">What was measured.</param>
/// <param name="Images">Plots and contact sheets; they are put inside the page, so that the one file can be sent to someone.</param>
public sealed record DriftPage(DriftResult Result, IReadOnlyList<DriftReportFile> Images);

/// <summary>A file of the report.</summary>
/// <param name="Name">Its name in the report's folder.</param>
/// <param name="Bytes">Its content.</param>
public sealed record DriftReportFile(string Name, byte[] Bytes);
