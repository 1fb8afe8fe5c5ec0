using BatchGen.Core.Imaging;
using BatchGen.Core.Jobs;
using BatchGen.Imaging;
using BatchGen.Imaging.Metadata;
using BatchGen.Imaging.Recipes;

namespace BatchGen.UnitTests.Imaging;

public class RecipeReaderTests
{
    [Fact]
    public void A_missing_file_and_a_folder_are_named()
    {
        Assert.Contains("There is no file", Assert.Throws<RecipeException>(() => RecipeReader.Read("/no/such/file.png")).Message,
            StringComparison.Ordinal);
        Assert.Contains(
            "is a folder", Assert.Throws<RecipeException>(() => RecipeReader.Read(Path.GetTempPath())).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_of_another_kind_is_refused()
    {
        var failure = Assert.Throws<RecipeException>(() => RecipeReader.Parse("plain text"u8, "notes.txt"));
        Assert.Equal("'notes.txt' is not a PNG, WebP or JPEG image.", failure.Message);
        Assert.Throws<RecipeException>(() => RecipeReader.Parse([], "empty.png"));
    }

    [Theory]
    [InlineData(ImageFormat.Png)]
    [InlineData(ImageFormat.WebP)]
    [InlineData(ImageFormat.Jpeg)]
    public void An_image_of_other_software_is_named_as_such(ImageFormat format)
    {
        var file = ImageEncoder.Encode(SampleRecipe.Flat(16, 16, 1, 2, 3), format);
        var failure = Assert.Throws<RecipeException>(() => RecipeReader.Parse(file, "foreign"));
        Assert.Contains("holds no BatchGen recipe", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_whose_comment_is_not_a_recipe_is_refused()
    {
        var plain = ImageEncoder.Encode(SampleRecipe.Flat(16, 16, 1, 2, 3), ImageFormat.Jpeg);
        Assert.Contains("holds no BatchGen recipe",
            Assert.Throws<RecipeException>(() => RecipeReader.Parse(JpegRecipe.Insert(plain, "Taken in Rome"), "holiday")).Message,
            StringComparison.Ordinal);
        Assert.Contains("cannot be read",
            Assert.Throws<RecipeException>(() => RecipeReader.Parse(JpegRecipe.Insert(plain, "{\"schema\":1}"), "odd")).Message,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(ImageFormat.Png)]
    [InlineData(ImageFormat.WebP)]
    [InlineData(ImageFormat.Jpeg)]
    public void Damage_anywhere_gives_a_recipe_or_one_clear_error(ImageFormat format)
    {
        var whole = ImageEncoder.Encode(SampleRecipe.Noise(), format, SampleRecipe.Make());
        var random = new Random(7);
        for (var trial = 0; trial < 3000; trial++)
        {
            var file = random.Next(3) == 0 ? whole[..random.Next(whole.Length)] : (byte[])whole.Clone();
            for (var flips = random.Next(4); flips > 0 && file.Length > 0; flips--)
                file[random.Next(Math.Min(file.Length, 1200))] = (byte)random.Next(256);
            try
            {
                RecipeReader.Parse(file, "damaged");
            }
            catch (RecipeException)
            {
                continue;
            }
        }
    }

    [Fact]
    public void A_flipped_bit_in_a_png_recipe_is_detected()
    {
        var file = ImageEncoder.Encode(SampleRecipe.Noise(), ImageFormat.Png, SampleRecipe.Make());
        file[80] ^= 1;
        Assert.Contains(
            "wrong checksum", Assert.Throws<RecipeException>(() => RecipeReader.Parse(file, "flipped")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Little_endian_exif_of_a_rewriting_tool_is_read()
    {
        var json = ImageRecipeJson.Write(SampleRecipe.Make());
        var text = System.Text.Encoding.Unicode.GetBytes(json);
        byte[] block =
        [
            .. "II*\0"u8, 8, 0, 0, 0,
            1, 0, 0x69, 0x87, 4, 0, 1, 0, 0, 0, 26, 0, 0, 0, 0, 0, 0, 0,
            1, 0, 0x86, 0x92, 7, 0, .. BitConverter.GetBytes(text.Length + 8), 44, 0, 0, 0, 0, 0, 0, 0,
            .. "UNICODE\0"u8, .. text,
        ];
        Assert.Equal(json, ExifComment.Read(block));
    }
}
