using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using BatchGen.Composition;
using BatchGen.Core.Imaging;
using BatchGen.Core.Jobs;
using BatchGen.Imaging.Recipes;
using BatchGen.Output;

namespace BatchGen.Commands;

/// <summary><c>batchgen show</c>: prints the recipe inside an image.</summary>
internal static class ShowCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(ProgramContext context)
    {
        var file = new Argument<string>("FILE") { Description = "An image that BatchGen wrote." };
        var json = JsonOutput.ObjectOption("Print the recipe as JSON.");
        var command = new Command("show", "Print the recipe inside an image: prompt, seed, model, adapters, strengths.") { file, json };
        command.SetAction(async (arguments, _) =>
        {
            var recipe = RecipeReader.Read(arguments.GetRequiredValue(file));
            if (arguments.GetValue(json)) await JsonOutput.WriteIndentedAsync(context, JsonNode.Parse(ImageRecipeJson.Write(recipe)));
            else Print(recipe, new LabelledLines(context.Output));
            return ExitCodes.Success;
        });
        HelpWithExamples.Add(
            command, "batchgen show var/images/000000/000000042-honim6gytc.png", "batchgen show image.webp --json | jq .seed");
        return command;
    }

    private static void Print(ImageRecipe recipe, LabelledLines lines)
    {
        lines.Add("job", recipe.JobId.ToString(CultureInfo.InvariantCulture));
        foreach (var field in JobFields.Recipe) lines.Add(field.Label.ToLowerInvariant(), recipe.TextOf(field));
        lines.Add("start sha-256", recipe.StartImageSha256);
        lines.Add("model", $"{recipe.Model} (sha-256 {recipe.ModelSha256})");
        foreach (var adapter in recipe.Adapters) lines.Add("adapter", Describe(adapter));
        lines.Add("signature", recipe.Signature);
        var facts = new[] { recipe.Device, recipe.Processor, recipe.ComputeType, recipe.Program, recipe.Torch, Threads(recipe) };
        lines.Add("rendered on", string.Join(", ", facts.OfType<string>()));
    }

    private static string? Threads(ImageRecipe recipe) =>
        recipe.Threads is { } threads ? string.Create(CultureInfo.InvariantCulture, $"{threads} threads") : null;

    private static string Describe(ImageRecipeAdapter adapter)
    {
        var strength = string.Create(CultureInfo.InvariantCulture, $"strength {adapter.Strength}");
        if (adapter.TextEncoderStrength != adapter.Strength)
            strength += string.Create(CultureInfo.InvariantCulture, $", text encoder {adapter.TextEncoderStrength}");
        if (adapter.BlockStrengths is { } blocks)
            strength += ", blocks " + string.Join(' ', blocks.Select(block => block.ToString(CultureInfo.InvariantCulture)));
        return $"{adapter.Name}, {strength} (sha-256 {adapter.Sha256})";
    }
}
