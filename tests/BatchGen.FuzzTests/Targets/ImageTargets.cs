using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;
using System.Text.Json;
using BatchGen.Core.Imaging;
using BatchGen.Core.Jobs;
using BatchGen.Core.Rendering;
using BatchGen.FuzzTests.Guided;
using BatchGen.Imaging;
using BatchGen.Imaging.Recipes;

namespace BatchGen.FuzzTests.Targets;

/// <summary>Image files and the recipes in them.</summary>
internal static class ImageTargets
{
    private const int MaxMessage = 2000;

    private static readonly ImageRecipe Recipe = new()
    {
        JobId = 42,
        Fields = SampleRecipe.Fields,
        Model = "demo",
        ModelSha256 = new string('a', 64),
        Adapters = [new("ink", new string('b', 64), 0.5m, 0.5m, [1m, 0.5m])],
        Signature = "demo|ink@0.5",
        Device = "cpu",
        ComputeType = "float32",
        Program = "BatchGen",
    };

    private static readonly IReadOnlyList<byte[]> Words = FuzzTarget.Texts(
        "IHDR", "IDAT", "IEND", "tEXt", "iTXt", "zTXt", "acTL", "fdAT", "RIFF", "WEBP", "VP8 ", "VP8L", "VP8X", "EXIF", "ANIM", "ANMF",
        "XMP ",
        "Exif\0\0", "II*\0", "MM\0*", "UNICODE\0", "batchgen", "\u0089PNG\r\n\u001a\n", "JFIF\0", "{\"", "\"schema\":", "\"adapters\":[",
        "\0\0\0\0");

    public static IReadOnlyList<FuzzTarget> All { get; } =
    [
        Image("png", ImageFormat.Png, input => Read(WithChecksums(input))),
        Image("webp", ImageFormat.WebP, Read),
        Image("jpeg", ImageFormat.Jpeg, Read),
        new("image-recipe", input => ImageRecipeJson.Read(Encoding.UTF8.GetString(input)), failure => failure is JsonException,
            FuzzTarget.Texts(ImageRecipeJson.Write(Recipe)),
            FuzzTarget.Texts("{", "}", "[", "]", ",", ":", "null", "\"schema\":1", "\"adapters\":", "\"seed\":", "\"name\":", "1e5",
                "\\ud800"), MaxMessage),
    ];

    private static FuzzTarget Image(string name, ImageFormat format, Action<byte[]> run) => new(
        name, run, failure => failure is RecipeException, [ImageEncoder.Encode(new RenderedImage(42, 8, 8, new byte[192]), format,
            Recipe)], Words,
        MaxMessage);

    private static void Read(byte[] input)
    {
        ImageContent.FindProblem(input);
        RecipeReader.Parse(input, "image");
    }

    // Checksums of chunks are made right again, or every change would end at the first of them (PNG, third edition, section 5.3).
    private static byte[] WithChecksums(byte[] input)
    {
        var file = (byte[])input.Clone();
        for (long at = 8; at + 12 <= file.Length;)
        {
            var length = BinaryPrimitives.ReadUInt32BigEndian(file.AsSpan((int)at));
            if (at + 12 + length > file.Length) break;
            var chunk = file.AsSpan((int)at + 4, (int)length + 4);
            BinaryPrimitives.WriteUInt32BigEndian(file.AsSpan((int)(at + 8 + length)), Crc32.HashToUInt32(chunk));
            at += 12 + length;
        }

        return file;
    }
}
