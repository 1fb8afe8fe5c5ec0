using System.CommandLine;
using System.Globalization;
using BatchGen.Composition;
using BatchGen.Core.Registry;
using BatchGen.Core.Texts;
using BatchGen.Diffusion.Models;
using BatchGen.Output;

namespace BatchGen.Commands;

/// <summary><c>batchgen models</c>: registers and lists base models.</summary>
internal static class ModelsCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(ProgramContext context)
    {
        var command =
            new Command("models", "Register and list base models.") { CreateAdd(context), CreateList(context), CreateSynth(context) };
        HelpWithExamples.Add(command, "batchgen models add models/demo --name demo", "batchgen models list");
        return command;
    }

    private static Command CreateAdd(ProgramContext context)
    {
        var path =
            new Argument<string>("PATH") { Description = "Folder in the diffusers layout, or a single-file checkpoint (.safetensors)." };
        var name = new Option<string?>("--name") { Description = "Name to register under; default: the folder's or file's name." };
        var replace = new Option<bool>("--replace") { Description = "Let the name stand for new content." };
        var prediction = new Option<string?>("--prediction")
        {
            Description = "What the network predicts, where the files do not say it, or not truly: epsilon or v_prediction.",
        };
        prediction.AcceptOnlyFromAmong([.. ModelInspector.Predictions]);
        const string Purpose = "Register a model: every file is hashed once, and later compared before it is used.";
        var command = new Command("add", Purpose) { path, name, replace, prediction };
        command.SetAction(async (arguments, cancellationToken) =>
        {
            var source = Path.TrimEndingDirectorySeparator(arguments.GetRequiredValue(path));
            var registered = CheckedArguments.NameFor(arguments.GetValue(name), source);
            CheckedArguments.RequireName(registered);
            var record = ModelInspector.Inspect(source, registered, arguments.GetValue(prediction));
            await using var session = await QueueSession.OpenAsync(context, arguments, cancellationToken);
            await session.Models.AddAsync(record, arguments.GetValue(replace), cancellationToken);
            await context.Output.WriteLineAsync(
                $"Registered model '{registered}' ({record.Family}, {Quantities.Count(record.Files.Count, "file")}, {FormatSize(record)})");
            return ExitCodes.Success;
        });
        HelpWithExamples.Add(
            command,
            "batchgen models add models/demo --name demo",
            "batchgen models add v1-5-pruned.safetensors --name sd15",
            "batchgen models add velocity-tune.safetensors --prediction v_prediction");
        return command;
    }

    private static Command CreateList(ProgramContext context)
    {
        var json = JsonOutput.LinesOption();
        var command = new Command("list", "List registered models.") { json };
        command.SetAction(async (arguments, cancellationToken) =>
        {
            await using var session = await QueueSession.OpenAsync(context, arguments, cancellationToken);
            var models = await session.Models.ListAsync(cancellationToken);
            if (arguments.GetValue(json)) await JsonOutput.WriteLinesAsync(context, models);
            else PrintList(models, context);
            return ExitCodes.Success;
        });
        HelpWithExamples.Add(command, "batchgen models list", "batchgen models list --json");
        return command;
    }

    private static Command CreateSynth(ProgramContext context)
    {
        var family = new Option<string>(
            "--family") { Description = $"Whose dimensions: {string.Join(", ", SyntheticModel.Families)}.", Required = true };
        var folder = new Option<string>("--out") { Description = "Folder to make (2 GB for sd15, 7 GB for sdxl).", Required = true };
        var seed = new Option<int>("--seed") { Description = "Same seed, same bytes.", DefaultValueFactory = _ => 1 };
        const string Purpose = "Write a model with random weights and the published dimensions, to measure speed and memory.";
        var command = new Command("synth", Purpose) { family, folder, seed };
        command.SetAction(async (arguments, cancellationToken) =>
        {
            var path = Path.GetFullPath(arguments.GetRequiredValue(folder));
            SyntheticModel.Write(arguments.GetRequiredValue(family), path, arguments.GetValue(seed), cancellationToken);
            await context.Output.WriteLineAsync(
                $"Wrote a synthetic {arguments.GetRequiredValue(family)} model to '{path}'; its images are noise");
            return ExitCodes.Success;
        });
        HelpWithExamples.Add(command, "batchgen models synth --family sd15 --out /tmp/sd15");
        return command;
    }

    private static void PrintList(IReadOnlyList<ModelRecord> models, ProgramContext context)
    {
        if (models.Count == 0)
        {
            context.Error.WriteLine("No models are registered; 'batchgen models add PATH' registers one.");
            return;
        }

        var table = new TextTable("NAME", "FAMILY", "FILES", "SIZE", "SHA-256", "PATH");
        foreach (var model in models)
        {
            table.Add(
                model.Name,
                model.Family,
                model.Files.Count.ToString(CultureInfo.InvariantCulture),
                FormatSize(model),
                model.Sha256[..Math.Min(12, model.Sha256.Length)],
                model.Path);
        }

        table.Print(context);
    }

    private static string FormatSize(ModelRecord model) => Quantities.Size(model.Files.Sum(file => file.SizeBytes));
}
