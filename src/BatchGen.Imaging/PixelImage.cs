namespace BatchGen.Imaging;

/// <summary>Decoded pixels.</summary>
/// <param name="WidthPixels">Width.</param>
/// <param name="HeightPixels">Height.</param>
/// <param name="Rgb">8-bit RGB, rows from top, <c>HeightPixels * WidthPixels * 3</c> bytes.</param>
public sealed record PixelImage(int WidthPixels, int HeightPixels, byte[] Rgb);
