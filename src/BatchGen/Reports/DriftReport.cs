using System.Globalization;
using System.Net;
using System.Text;
using BatchGen.Core.Rendering;
using BatchGen.Diffusion.Drift;
using BatchGen.Imaging;
using BatchGen.Imaging.Sheets;

namespace BatchGen.Reports;

/// <summary>Writes what the drift laboratory measured: two plots, a contact sheet, an HTML page and a table in CSV.</summary>
internal static class DriftReport
{
    /// <summary>Writes everything into a folder.</summary>
    /// <returns>Paths of the files, the page first.</returns>
    public static IReadOnlyList<string> Write(DriftResult result, string folder)
    {
        Directory.CreateDirectory(folder);
        var files = new List<string>();
        string Save(string name, byte[] bytes)
        {
            var path = Path.Combine(folder, name);
            File.WriteAllBytes(path, bytes);
            files.Add(path);
            return name;
        }

        var weights = Save("drift-weights.png", LinePlot.Draw(
            $"Weights after N cycles of {result.Plan.Signature}", $"RMS error / RMS weight, {result.Plan.WeightType}", Lines(result, sample => sample.Weights.RelativeRms), logarithmic: true));
        string? psnr = null, sheet = null, differences = null;
        if (result.Originals.Count > 0)
        {
            psnr = Save("drift-psnr.png", LinePlot.Draw(
                "Pictures of the plain model, same seeds, against those before the first cycle", "PSNR in dB (100: equal)", Lines(result, MeanPsnr), logarithmic: false));
            sheet = Save("drift-sheet.png", Sheet(result, amplify: false));
            differences = Save("drift-differences.png", Sheet(result, amplify: true));
        }

        Save("drift.csv", Encoding.UTF8.GetBytes(Table(result)));
        Save("drift.html", Encoding.UTF8.GetBytes(Page(result, folder, [weights, psnr, sheet, differences])));
        files.Reverse();
        return files;
    }

    /// <summary>PSNR averaged over the pictures in dB; 100 stands for equal pictures.</summary>
    public static double MeanPsnr(DriftSample sample) =>
        sample.Comparisons.Count == 0 ? double.NaN : sample.Comparisons.Average(comparison => Math.Min(100, comparison.Psnr));

    private static LinePlotSeries[] Lines(DriftResult result, Func<DriftSample, double> value) =>
        [.. result.Series.Select(series => new LinePlotSeries(series.Name, [.. series.Samples.Select(sample => ((double)sample.Cycle, value(sample)))]))];

    private static byte[] Sheet(DriftResult result, bool amplify)
    {
        var rows = new List<ContactSheetRow>();
        if (!amplify) rows.Add(new ContactSheetRow("before the first cycle", [.. result.Originals.Select((image, i) => new ContactSheetCell(Pixels(image), PromptOf(result, i)))]));
        foreach (var series in result.Series)
        {
            var last = series.Samples[^1];
            var cells = last.Images.Select((image, i) => new ContactSheetCell(
                amplify ? Difference(image, result.Originals[i]) : Pixels(image),
                string.Create(CultureInfo.InvariantCulture, $"{Math.Min(100, last.Comparisons[i].Psnr):0.0} dB, SSIM {last.Comparisons[i].Ssim:0.0000}"))).ToArray();
            rows.Add(new ContactSheetRow($"{series.Name}: after {last.Cycle:N0} cycles{(amplify ? ", difference x 16" : "")}", cells));
        }

        return ContactSheet.Compose($"{result.Plan.Model.Name}: {result.Plan.Signature}, {result.Plan.WeightType}", rows);
    }

    private static PixelImage Pixels(RenderedImage image) => new(image.WidthPixels, image.HeightPixels, image.Rgb);

    // Mid-grey where nothing changed; sixteen times the change elsewhere, so that one step of 255 can be seen.
    private static PixelImage Difference(RenderedImage now, RenderedImage before) => new(
        now.WidthPixels, now.HeightPixels, [.. now.Rgb.Zip(before.Rgb, (after, original) => (byte)Math.Clamp(128 + 16 * (after - original), 0, 255))]);

    private static string PromptOf(DriftResult result, int index) => result.Plan.Images[index].Recipe.Prompt;

    private static string Table(DriftResult result)
    {
        var text = new StringBuilder("procedure,cycles,relative_rms_error,share_changed,psnr_db,ssim,digest\n");
        foreach (var series in result.Series)
        {
            foreach (var sample in series.Samples)
            {
                var ssim = sample.Comparisons.Count == 0 ? double.NaN : sample.Comparisons.Average(comparison => comparison.Ssim);
                text.Append(CultureInfo.InvariantCulture,
                    $"\"{series.Name}\",{sample.Cycle},{sample.Weights.RelativeRms:g6},{sample.Weights.ShareChanged:g6},{MeanPsnr(sample):0.###},{ssim:0.######},{sample.Weights.Digest}\n");
            }
        }

        return text.ToString();
    }

    private static string Page(DriftResult result, string folder, IReadOnlyList<string?> pictures)
    {
        var page = new StringBuilder("""
            <!doctype html><html lang="en"><head><meta charset="utf-8"><title>BatchGen drift report</title><meta name="viewport" content="width=device-width">
            <style>body{font:16px/1.5 system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem;background:#181a1f;color:#f2f3f5}
            img{max-width:100%;display:block;margin:1rem 0}table{border-collapse:collapse;width:100%}td,th{padding:.3rem .6rem;border-bottom:1px solid #3a3e47;text-align:right}
            td:first-child,th:first-child{text-align:left}.ours{color:#5fd7a7}code{word-break:break-all}</style></head><body><h1>Drift report</h1>
            """);
        page.Append(CultureInfo.InvariantCulture,
            $"<p>{result.Plan.Cycles:N0} cycles of <code>{Text(result.Plan.Signature.ToString())}</code> on model <code>{Text(result.Plan.Model.Name)}</code> "
            + $"({result.Plan.WeightType}): {result.Tensors} tensors, {result.Elements:N0} numbers touched.</p>");
        page.Append("<table><tr><th>procedure</th><th>weight error</th><th>changed</th><th>PSNR</th><th>SSIM</th><th>per cycle</th></tr>");
        foreach (var series in result.Series)
        {
            var last = series.Samples[^1];
            var ssim = last.Comparisons.Count == 0 ? "" : last.Comparisons.Average(comparison => comparison.Ssim).ToString("0.0000", CultureInfo.InvariantCulture);
            var psnr = last.Comparisons.Count == 0 ? "" : MeanPsnr(last) >= 100 ? "equal" : MeanPsnr(last).ToString("0.0 dB", CultureInfo.InvariantCulture);
            page.Append(CultureInfo.InvariantCulture,
                $"<tr class=\"{(series.IsOurs ? "ours" : "")}\"><td title=\"{Text(series.Description)}\">{Text(series.Name)}</td><td>{last.Weights.RelativeRms:0.0000%}</td>"
                + $"<td>{last.Weights.ShareChanged:0.00%}</td><td>{psnr}</td><td>{ssim}</td><td>{series.ElapsedMs / result.Plan.Cycles:0.00} ms</td></tr>");
        }

        page.Append("</table>");
        foreach (var series in result.Series.Where(series => series.IsOurs))
        {
            page.Append(CultureInfo.InvariantCulture,
                $"<p class=\"ours\">{Text(series.Name)}: checksummed after each of {result.Plan.Cycles:N0} cycles; {series.ChangedDigests} differed from the baseline.</p>");
        }

        page.Append("<ul>");
        foreach (var series in result.Series) page.Append(CultureInfo.InvariantCulture, $"<li><b>{Text(series.Name)}</b>: {Text(series.Description)}</li>");
        page.Append("</ul>");
        // Inside the page, so that the one file can be sent to someone.
        foreach (var picture in pictures.OfType<string>())
            page.Append(CultureInfo.InvariantCulture, $"<img alt=\"{Text(picture)}\" src=\"data:image/png;base64,{Convert.ToBase64String(File.ReadAllBytes(Path.Combine(folder, picture)))}\">");
        return page.Append("</body></html>\n").ToString();
    }

    private static string Text(string text) => WebUtility.HtmlEncode(text);
}
