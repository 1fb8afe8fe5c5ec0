using BatchGen.Imaging;
using BatchGen.Imaging.Sheets;

namespace BatchGen.UnitTests.Imaging;

public sealed class LinePlotTests
{
    // The colours of the first two lines.
    private static readonly (byte R, byte G, byte B) Orange = (0xE6, 0x9F, 0x00);
    private static readonly (byte R, byte G, byte B) Blue = (0x56, 0xB4, 0xE9);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_rising_and_a_constant_series_are_drawn_where_their_numbers_lie(bool logarithmic)
    {
        var plot = ImageEncoder.Decode(LinePlot.Draw(
            "title", "error", [new("rising", [(1, 0.001), (10, 0.01), (100, 0.1)]), new("constant", [(1, 0.05), (100, 0.05)])],
            logarithmic));

        Assert.Equal((960, 480 + (2 * (LabelFont.CellHeightPixels + 4))), (plot.WidthPixels, plot.HeightPixels));
        var rising = Rows(plot, Orange);
        Assert.True(
            rising.Right < rising.Left, $"the line rises to the right: row {rising.Left} on the left, row {rising.Right} on the right");
        var constant = Rows(plot, Blue);
        Assert.InRange(constant.Right - constant.Left, -1, 1);
    }

    [Fact]
    public void Numbers_of_zero_lie_on_the_bottom_edge_of_a_logarithmic_plot()
    {
        var plot = ImageEncoder.Decode(
            LinePlot.Draw("title", "error", [new("none", [(1, 0), (100, 0)]), new("some", [(1, 0.5), (100, 0.5)])], logarithmic: true));

        Assert.True(Rows(plot, Orange).Left > Rows(plot, Blue).Left);
    }

    [Fact]
    public void Series_without_points_and_no_series_at_all_give_a_plot()
    {
        Assert.NotEmpty(LinePlot.Draw("nothing", "error", [], logarithmic: false));
        Assert.NotEmpty(LinePlot.Draw("nothing", "error", [new("empty", [])], logarithmic: true));
    }

    [Fact]
    public void The_same_numbers_give_the_same_bytes()
    {
        LinePlotSeries[] series = [new("line", [(1, 1), (7, 0.3), (50, 2)])];
        Assert.Equal(LinePlot.Draw("title", "y", series, logarithmic: true), LinePlot.Draw("title", "y", series, logarithmic: true));
    }

    // Rows of a colour's leftmost and rightmost pixel inside of the axes.
    private static (int Left, int Right) Rows(PixelImage plot, (byte R, byte G, byte B) colour)
    {
        var places = (from y in Enumerable.Range(0, 440)
                      from x in Enumerable.Range(84, plot.WidthPixels - 84)
                      let at = ((y * plot.WidthPixels) + x) * 3
                      where (plot.Rgb[at], plot.Rgb[at + 1], plot.Rgb[at + 2]) == colour
                      select (X: x, Y: y)).OrderBy(place => place.X).ToArray();
        Assert.NotEmpty(places);
        return (places[0].Y, places[^1].Y);
    }
}
