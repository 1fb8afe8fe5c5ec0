#:package Magick.NET-Q8-AnyCPU@15.1.0
#:property ManagePackageVersionsCentrally=false
// Draws the label font of contact sheets: cells of 8x16 pixels, 64 to a row, for U+0020 to U+04FF.
// Usage: dotnet run MakeLabelFont.cs -- DejaVuSansMono.ttf ../../src/BatchGen.Imaging/Sheets/label-font.png
using ImageMagick;

const int First = 0x20, Last = 0x4FF, Columns = 64, Width = 8, Height = 16;
var rows = (Last - First + Columns) / Columns;
using var atlas = new MagickImage(MagickColors.Black, Columns * Width, (uint)(rows * Height));
for (var code = First; code <= Last; code++)
{
    var character = (char)code;
    if (char.IsControl(character) || char.IsWhiteSpace(character) || !char.IsDefined(character)) continue;
    using var cell = new MagickImage(MagickColors.Black, Width, Height);
    cell.Settings.Font = args[0];
    cell.Settings.FontPointsize = 13;
    cell.Settings.FillColor = MagickColors.White;
    // Magick reads '%' and '\\' as escapes, and '@' at the start as a file name: hence the blank before it.
    var text = character switch { '\\' => "\\\\", '%' => "%%", '@' => " @", _ => character.ToString() };
    cell.Annotate(text, new MagickGeometry(character == '@' ? -Width : 0, 12, 0, 0), Gravity.Undefined);
    atlas.Composite(cell, (code - First) % Columns * Width, (code - First) / Columns * Height, CompositeOperator.Over);
}

atlas.ColorType = ColorType.Grayscale;
atlas.Settings.SetDefine(MagickFormat.Png, "exclude-chunks", "date,tIME,gAMA,cHRM,bKGD,zTXt,tEXt,iTXt,eXIf,iCCP,pHYs");
atlas.Write(args[1], MagickFormat.Png);

static class CharExtensions
{
    extension(char)
    {
        public static bool IsDefined(char c) => char.GetUnicodeCategory(c) != System.Globalization.UnicodeCategory.OtherNotAssigned;
    }
}
