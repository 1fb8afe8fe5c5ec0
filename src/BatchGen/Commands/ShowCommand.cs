using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using BatchGen.Composition;
using BatchGen.Core.Imaging;
using BatchGen.Core.Jobs;
using BatchGen.Dashboard.Api;
using BatchGen.Imaging.Recipes;
using BatchGen.Output;

namespace BatchGen.Commands;

/// <summary><c>batchgen show</c>: prints the recipe inside a picture.</summary>
internal static class ShowCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(ProgramContext context)
    {
        var file = new Argument<string>("FILE") { Description = "A picture that BatchGen wrote." };
        var json = new Option<bool>("--json") { Description = "Print the recipe as JSON." };
        var command = new Command("show", "Print the recipe inside a picture: prompt, seed, model, adapters, strengths.") { file, json };
        command.SetAction(arguments =>
        {
            var recipe = RecipeReader.Read(arguments.GetRequiredValue(file));
            if (arguments.GetValue(json)) context.Output.WriteLine(JsonSerializer.Serialize(JsonNode.Parse(ImageRecipeJson.Write(recipe)), ApiJson.Indented));
            else Print(recipe, context.Output);
            return ExitCodes.Success;
        });
        HelpWithExamples.Add(command, "batchgen show var/images/000000/000000001.png", "batchgen show picture.webp --json | jq .seed");
        return command;
    }

    private static void Print(ImageRecipe recipe, TextWriter output)
    {
        void Line(string name, string value) => output.WriteLine($"{name,-18}{Printable.Lines(value).ReplaceLineEndings("\n" + new string(' ', 18))}");
        Line("job", recipe.JobId.ToString(CultureInfo.InvariantCulture));
        foreach (var field in JobFields.Recipe)
            if (recipe.TextOf(field) is { } value) Line(field.Label.ToLowerInvariant(), value);
        if (recipe.StartImageSha256 is { } digest) Line("start sha-256", digest);
        Line("model", $"{recipe.Model} (sha-256 {recipe.ModelSha256})");
        foreach (var adapter in recipe.Adapters)
        {
            var strength = string.Create(CultureInfo.InvariantCulture, $"strength {adapter.Strength}");
            if (adapter.TextEncoderStrength != adapter.Strength) strength += string.Create(CultureInfo.InvariantCulture, $", text encoder {adapter.TextEncoderStrength}");
            if (adapter.BlockStrengths is { } blocks) strength += ", blocks " + string.Join(' ', blocks.Select(block => block.ToString(CultureInfo.InvariantCulture)));
            Line("adapter", $"{adapter.Name}, {strength} (sha-256 {adapter.Sha256})");
        }

        Line("signature", recipe.Signature);
        Line("rendered on", $"{recipe.Device}, {recipe.ComputeType}, {recipe.Program}");
    }
}
