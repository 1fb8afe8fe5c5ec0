using System.Globalization;
using System.Text;
using BatchGen.Core.Imaging;

namespace BatchGen.Imaging.Recipes;

/// <summary>The recipe as the text that AUTOMATIC1111's web UI writes and many image tools read (chunk <c>parameters</c>).</summary>
internal static class ParametersText
{
    public static string Of(ImageRecipe recipe)
    {
        var text = new StringBuilder(recipe.Prompt);
        foreach (var adapter in recipe.Adapters)
        {
            // Named strengths, because the order of unnamed ones differs between tools.
            text.Append(" <lora:").Append(adapter.Name).Append(adapter.Strength == adapter.TextEncoderStrength
                ? $":{Number(adapter.Strength)}"
                : $":te={Number(adapter.TextEncoderStrength)}:unet={Number(adapter.Strength)}");
            if (adapter.BlockStrengths is { } blocks) text.Append(":lbw=").AppendJoin(',', blocks.Select(Number));
            text.Append('>');
        }

        text.Append('\n');
        if (!string.IsNullOrEmpty(recipe.NegativePrompt)) text.Append("Negative prompt: ").Append(recipe.NegativePrompt).Append('\n');
        text.Append(CultureInfo.InvariantCulture, $"Steps: {recipe.Steps}, Sampler: {recipe.Sampler}, CFG scale: {recipe.GuidanceScale}, ");
        text.Append(CultureInfo.InvariantCulture, $"Seed: {recipe.Seed}, Size: {recipe.WidthPixels}x{recipe.HeightPixels}, ");
        text.Append(CultureInfo.InvariantCulture, $"Model hash: {Short(recipe.ModelSha256)}, Model: {recipe.Model}");
        if (recipe.Strength is { } strength) text.Append(CultureInfo.InvariantCulture, $", Denoising strength: {strength}");
        if (recipe.GuidanceRescale > 0) text.Append(CultureInfo.InvariantCulture, $", CFG Rescale: {recipe.GuidanceRescale}");
        // There, 1 leaves nothing out.
        if (recipe.ClipSkip > 0) text.Append(CultureInfo.InvariantCulture, $", Clip skip: {recipe.ClipSkip + 1}");
        if (recipe.Adapters.Count > 0)
        {
            text.Append(", Lora hashes: \"");
            text.AppendJoin(", ", recipe.Adapters.Select(adapter => $"{adapter.Name}: {Short(adapter.Sha256)}")).Append('"');
        }

        return text.Append(", Version: ").Append(recipe.Program).Replace("\0", "").ToString();
    }

    private static string Number(decimal value) => value.ToString("0.####", CultureInfo.InvariantCulture);

    private static string Short(string hash) => hash.Length > 10 ? hash[..10] : hash;
}
