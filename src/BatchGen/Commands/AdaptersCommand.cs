using System.CommandLine;
using System.Globalization;
using BatchGen.Composition;
using BatchGen.Core.Adapters;
using BatchGen.Core.Failures;
using BatchGen.Core.Registry;
using BatchGen.Core.Texts;
using BatchGen.Diffusion.Adapters;
using BatchGen.Output;
using BatchGen.Queue;
using BatchGen.Queue.Registry;

namespace BatchGen.Commands;

/// <summary><c>batchgen adapters</c>: registers, lists and inspects adapter files.</summary>
internal static class AdaptersCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(ProgramContext context)
    {
        var command = new Command("adapters", "Register, list and inspect adapter (LoRA) files.")
        {
            CreateAdd(context), CreateList(context), CreateInspect(context),
        };
        HelpWithExamples.Add(
            command, "batchgen adapters add loras/*.safetensors", "batchgen adapters list", "batchgen adapters inspect style.safetensors");
        return command;
    }

    private static Command CreateAdd(ProgramContext context)
    {
        var paths = new Argument<string[]>("PATH")
        {
            Arity = ArgumentArity.OneOrMore, Description = "Adapter files, PEFT folders, or folders of adapter files.",
        };
        var name = new Option<string?>("--name") { Description = "Name to register under; default: the file's name." };
        var replace = new Option<bool>("--replace") { Description = "Let a name stand for new content." };
        var command = new Command("add", "Register adapters; registering the same content again is harmless.") { paths, name, replace };
        command.SetAction(async (arguments, cancellationToken) =>
        {
            var files = arguments.GetRequiredValue(paths).SelectMany(ListFiles).ToArray();
            var given = arguments.GetValue(name);
            if (given is not null && files.Length > 1)
                throw CommandException.BadInput("--name goes with one adapter; several are named after their files.");
            if (files is [var only]) CheckedArguments.RequireName(CheckedArguments.NameFor(given, only));
            await using var session = await QueueSession.OpenAsync(context, arguments, cancellationToken);
            return await AddAsync(context, session.Adapters, files, given, arguments.GetValue(replace), cancellationToken);
        });
        HelpWithExamples.Add(
            command,
            "batchgen adapters add style.safetensors --name my-style",
            "batchgen adapters add loras/",
            "batchgen adapters add style-v2.safetensors --name my-style --replace");
        return command;
    }

    private static async Task<int> AddAsync(
        ProgramContext context, AdapterRegistry registry, string[] files, string? givenName, bool replace,
        CancellationToken cancellationToken)
    {
        var known = (await registry.ListAsync(cancellationToken)).ToList();
        var failed = 0;
        foreach (var file in files)
        {
            var name = CheckedArguments.NameFor(givenName, file);
            if (!RegisteredName.IsValid(name))
            {
                failed++;
                await context.Error.WriteLineAsync(
                    $"batchgen: '{Printable.Line(file)}' is left out, because '{Printable.Line(name)}' cannot be a name: "
                        + $"{RegisteredName.Rule} "
                    + "Add it by itself, with --name.");
                continue;
            }

            try
            {
                var report = InspectedAdapter.Read(file);
                var record = report.ToRecord(name);
                await registry.AddAsync(record, replace, cancellationToken);
                await PrintAddedAsync(context, file, report, record, known);
                known.Add(record);
            }
            catch (Exception failure) when (failure is AdapterException or QueueException && files.Length > 1)
            {
                // One bad file of many must not keep the others out.
                failed++;
                await context.Error.WriteLineAsync($"batchgen: {failure.Message}");
            }
        }

        return failed == 0 ? ExitCodes.Success : ExitCodes.Failed;
    }

    private static async Task PrintAddedAsync(
        ProgramContext context, string file, AdapterReport report, AdapterRecord record, IEnumerable<AdapterRecord> known)
    {
        // Two names for one content work, but jobs that use the one and the other share no fusion.
        var sameContent = known.Where(
            other => other.Sha256 == record.Sha256 && !string.Equals(other.Name, record.Name, StringComparison.OrdinalIgnoreCase))
            .Select(other => $"'{other.Name}'").ToArray();
        var note = sameContent.Length > 0 ? $"; the same content as {string.Join(", ", sameContent)}" : "";
        var family = report.Family.Length > 0 ? report.Family : "family unknown";
        await context.Output.WriteLineAsync(
            $"Registered adapter '{record.Name}' ({report.Format} {report.Algorithm}, {family}, "
            + $"{Quantities.Count(report.ModuleCount, "module")}, {Quantities.Size(report.SizeBytes)}){note}");
        foreach (var warning in report.Warnings)
            await context.Error.WriteLineAsync($"batchgen: {Printable.Line(file)}: {Printable.Line(warning)}");
    }

    private static Command CreateList(ProgramContext context)
    {
        var json = JsonOutput.LinesOption();
        var command = new Command("list", "List registered adapters.") { json };
        command.SetAction(async (arguments, cancellationToken) =>
        {
            await using var session = await QueueSession.OpenAsync(context, arguments, cancellationToken);
            var adapters = await session.Adapters.ListAsync(cancellationToken);
            if (arguments.GetValue(json)) await JsonOutput.WriteLinesAsync(context, adapters);
            else PrintList(adapters, context);
            return ExitCodes.Success;
        });
        HelpWithExamples.Add(command, "batchgen adapters list", "batchgen adapters list --json | jq .sha256");
        return command;
    }

    private static Command CreateInspect(ProgramContext context)
    {
        var path = new Argument<string>("PATH") { Description = "Adapter file or PEFT folder; it need not be registered." };
        var json = JsonOutput.ObjectOption();
        var command = new Command(
            "inspect", "Say what an adapter file is: format, algorithm, family, ranks, trigger words, odd keys.") { path, json };
        command.SetAction(async (arguments, _) =>
        {
            var report = AdapterInspector.Inspect(arguments.GetRequiredValue(path));
            if (arguments.GetValue(json)) await JsonOutput.WriteIndentedAsync(context, report);
            else PrintReport(report, new LabelledLines(context.Output));
            return ExitCodes.Success;
        });
        HelpWithExamples.Add(command, "batchgen adapters inspect style.safetensors");
        return command;
    }

    // A folder with adapter_config.json is one adapter; any other folder stands for the adapter files in it.
    private static IEnumerable<string> ListFiles(string path)
    {
        if (!Directory.Exists(path) || File.Exists(Path.Combine(path, "adapter_config.json"))) return [path];
        var files = Directory.GetFiles(path, "*.safetensors").Order(StringComparer.Ordinal).ToArray();
        return files.Length > 0 ? files
            : throw CommandException.BadInput($"Folder '{path}' holds no .safetensors files and no adapter_config.json.");
    }

    private static void PrintList(IReadOnlyList<AdapterRecord> adapters, ProgramContext context)
    {
        if (adapters.Count == 0)
        {
            context.Error.WriteLine("No adapters are registered; 'batchgen adapters add FILE' registers one.");
            return;
        }

        var table = new TextTable("NAME", "FORMAT", "ALGORITHM", "FAMILY", "RANK", "MODULES", "SIZE", "TRIGGER WORDS");
        foreach (var adapter in adapters)
        {
            table.Add(
                adapter.Name,
                adapter.Format,
                adapter.Algorithm,
                adapter.Family.Length > 0 ? adapter.Family : "-",
                FormatRanks(adapter.MinRank, adapter.MaxRank),
                adapter.ModuleCount.ToString(CultureInfo.InvariantCulture),
                Quantities.Size(adapter.SizeBytes),
                string.Join(", ", adapter.TriggerWords));
        }

        table.Print(context);
    }

    private static void PrintReport(AdapterReport report, LabelledLines lines)
    {
        var components = report.ModulesByComponent.Select(pair => $"{(pair.Key.Length > 0 ? pair.Key : "unknown part")} {pair.Value}");
        lines.AddUnlessEmpty("path", report.Path);
        lines.AddUnlessEmpty("sha-256", report.Sha256);
        lines.Add("size", Quantities.Size(report.SizeBytes));
        lines.AddUnlessEmpty("format", report.Format);
        lines.AddUnlessEmpty("algorithm", report.Algorithm);
        lines.Add("family", report.Family.Length > 0 ? report.Family : "not named in the file");
        lines.Add("rank", FormatRanks(report.MinRank, report.MaxRank));
        lines.AddUnlessEmpty("modules", string.Join(", ", components));
        lines.AddUnlessEmpty("element types", string.Join(", ", report.ElementTypes));
        lines.AddUnlessEmpty("trigger words", string.Join(", ", report.TriggerWords));
        foreach (var embedding in report.Embeddings) lines.Add("embedding", embedding);
        foreach (var key in report.UnknownKeys) lines.Add("unknown key", key);
        foreach (var warning in report.Warnings) lines.Add("warning", warning);
        foreach (var (key, value) in report.Metadata) lines.Add("metadata", $"{Printable.Line(key)} = {Printable.Line(value, 200)}");
    }

    private static string FormatRanks(int least, int most) =>
        most == 0 ? "-"
        : least == most ? most.ToString(CultureInfo.InvariantCulture)
        : string.Create(CultureInfo.InvariantCulture, $"{least}-{most}");
}
