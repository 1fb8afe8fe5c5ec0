using BatchGen.Imaging;
using BatchGen.Imaging.Sheets;

namespace BatchGen.UnitTests.Imaging;

public class ContactSheetTests
{
    [Fact]
    public void Rows_have_headings_and_images_where_they_belong()
    {
        var sheet = ImageEncoder.Decode(ContactSheet.Compose("Title",
        [
            new("demo|", [new(SampleRecipe.Flat(64, 64, 255, 0, 0), "first"), new(SampleRecipe.Flat(64, 64, 0, 255, 0), "second")]),
            new("demo|größe@0.8", [new(SampleRecipe.Flat(512, 256, 0, 0, 255), new string('x', 500))]),
        ], columns: 4, cellPixels: 128));
        Assert.Equal(16 + 128 + 8 + 128 + 16, sheet.WidthPixels);
        Assert.Equal((255, 0, 0), At(sheet, 16 + 64, 16 + 18 + 8 + 18 + 64));
        Assert.Equal((0, 255, 0), At(sheet, 16 + 136 + 64, 16 + 18 + 8 + 18 + 64));
        Assert.Equal((0, 0, 255), At(sheet, 16 + 64, 16 + 18 + (2 * 26) + 128 + 44 + 64));
        Assert.Contains(Enumerable.Range(16, 60), x => At(sheet, x, 16 + 8).R > 0x80); // Letters of the title.
    }

    [Fact]
    public void An_empty_sheet_and_odd_labels_are_drawn()
    {
        Assert.NotEmpty(ContactSheet.Compose("nothing", []));
        Assert.NotEmpty(
            ContactSheet.Compose("emoji 🎨 日本 \n\t", [new("", [new(SampleRecipe.Flat(3, 7, 1, 2, 3), "")])], columns: 1, cellPixels: 32));
    }

    [Fact]
    public void The_same_images_give_the_same_bytes()
    {
        ContactSheetRow[] rows = [new("demo|", [new(SampleRecipe.Flat(64, 64, 9, 9, 9), "caption of two lines or more")])];
        Assert.Equal(ContactSheet.Compose("Title", rows), ContactSheet.Compose("Title", rows));
    }

    [Fact]
    public void Scaling_keeps_proportions_and_averages_pixels()
    {
        Assert.Equal((96, 48), SizeOf(PixelScaling.Fit(SampleRecipe.Flat(32, 16, 0, 0, 0), 100)));
        Assert.Equal((100, 50), SizeOf(PixelScaling.Fit(SampleRecipe.Flat(512, 256, 0, 0, 0), 100)));
        var halves = SampleRecipe.Flat(2, 2, 0, 0, 0);
        halves.Rgb[0] = 100;
        halves.Rgb[3] = 200;
        Assert.Equal(75, PixelScaling.Fit(halves, 1).Rgb[0]);
    }

    private static (int, int) SizeOf(PixelImage image) => (image.WidthPixels, image.HeightPixels);

    private static (byte R, byte G, byte B) At(PixelImage image, int x, int y)
    {
        var at = ((y * image.WidthPixels) + x) * 3;
        return (image.Rgb[at], image.Rgb[at + 1], image.Rgb[at + 2]);
    }
}
