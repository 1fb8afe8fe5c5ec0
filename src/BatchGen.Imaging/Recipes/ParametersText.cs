using System.Globalization;
using System.Text;
using BatchGen.Core.Imaging;
using BatchGen.Core.Jobs;

namespace BatchGen.Imaging.Recipes;

/// <summary>The recipe as the text that AUTOMATIC1111's web UI writes and many image tools read (chunk <c>parameters</c>).</summary>
internal static class ParametersText
{
    public static string Of(ImageRecipe recipe)
    {
        var text = new StringBuilder(recipe.TextOf(JobFields.Prompt));
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
        if (recipe.TextOf(JobFields.NegativePrompt) is { Length: > 0 } negative) text.Append("Negative prompt: ").Append(negative).Append('\n');
        text.Append(CultureInfo.InvariantCulture, $"Steps: {Of(JobFields.Steps)}, Sampler: {Of(JobFields.Sampler)}, CFG scale: {Of(JobFields.GuidanceScale)}, ");
        text.Append(CultureInfo.InvariantCulture, $"Seed: {Of(JobFields.Seed)}, Size: {Of(JobFields.Width)}x{Of(JobFields.Height)}, ");
        text.Append(CultureInfo.InvariantCulture, $"Model hash: {Short(recipe.ModelSha256)}, Model: {recipe.Model}");
        foreach (var field in JobFields.Recipe.Where(field => field.ParametersName is not null))
            if (Of(field) is { } value) text.Append(CultureInfo.InvariantCulture, $", {field.ParametersName}: {value}");
        // There, 1 leaves no layer out.
        if (Of(JobFields.ClipSkip) is { } skipped) text.Append(CultureInfo.InvariantCulture, $", Clip skip: {int.Parse(skipped, CultureInfo.InvariantCulture) + 1}");
        if (recipe.Adapters.Count > 0)
        {
            text.Append(", Lora hashes: \"");
            text.AppendJoin(", ", recipe.Adapters.Select(adapter => $"{adapter.Name}: {Short(adapter.Sha256)}")).Append('"');
        }

        return text.Append(", Version: ").Append(recipe.Program).Replace("\0", "").ToString();

        string? Of(JobField field) => recipe.TextOf(field);
    }

    private static string Number(decimal value) => value.ToString("0.####", CultureInfo.InvariantCulture);

    private static string Short(string hash) => hash.Length > 10 ? hash[..10] : hash;
}
