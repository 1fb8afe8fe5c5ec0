namespace BatchGen.Imaging;

/// <summary>The decoded pixels of an image.</summary>
/// <param name="WidthPixels">Width of the image.</param>
/// <param name="HeightPixels">Height of the image.</param>
/// <param name="Rgb">8-bit RGB, rows from top, <c>HeightPixels * WidthPixels * 3</c> bytes.</param>
public sealed record PixelImage(int WidthPixels, int HeightPixels, byte[] Rgb);
