using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using BatchGen.Composition;
using BatchGen.Core.Adapters;
using BatchGen.Core.Failures;
using BatchGen.Core.Registry;
using BatchGen.Dashboard.Api;
using BatchGen.Diffusion.Adapters;
using BatchGen.Output;
using BatchGen.Queue.Registry;

namespace BatchGen.Commands;

/// <summary><c>batchgen adapters</c>: registers, lists and inspects adapter files.</summary>
internal static class AdaptersCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(ProgramContext context)
    {
        var command = new Command("adapters", "Register, list and inspect adapter (LoRA) files.") { CreateAdd(context), CreateList(context), CreateInspect(context) };
        HelpWithExamples.Add(command, "batchgen adapters add loras/*.safetensors", "batchgen adapters list", "batchgen adapters inspect style.safetensors");
        return command;
    }

    private static Command CreateAdd(ProgramContext context)
    {
        var paths = new Argument<string[]>("PATH") { Arity = ArgumentArity.OneOrMore, Description = "Adapter files, PEFT folders, or folders of adapter files." };
        var name = new Option<string?>("--name") { Description = "Name to register under; default: the file's name." };
        var replace = new Option<bool>("--replace") { Description = "Let a name stand for new content." };
        var command = new Command("add", "Register adapters; registering the same content again is harmless.") { paths, name, replace };
        command.SetAction(async (arguments, cancellationToken) =>
        {
            var files = arguments.GetRequiredValue(paths).SelectMany(Expand).ToArray();
            var given = arguments.GetValue(name);
            if (given is not null && files.Length > 1) throw CommandException.BadInput("--name goes with one adapter; several are named after their files.");
            var records = files.Select(file => (File: file, Name: given ?? NameOf(file))).ToArray();
            if (records is [var only] && !RegisteredName.IsValid(only.Name))
                throw CommandException.BadInput($"'{only.Name}' cannot be a name: {RegisteredName.Rule} Give another one with --name.");

            await using var session = await QueueSession.OpenAsync(context, arguments.GetValue(CommandLine.Verbose), cancellationToken);
            var registry = session.Get<AdapterRegistry>();
            var known = (await registry.ListAsync(cancellationToken)).ToList();
            var failed = 0;
            foreach (var (file, registered) in records)
            {
                if (!RegisteredName.IsValid(registered))
                {
                    failed++;
                    await context.Error.WriteLineAsync($"batchgen: '{Printable.Line(file)}' is left out, because '{Printable.Line(registered)}' cannot be a name: {RegisteredName.Rule} Add it by itself, with --name.");
                    continue;
                }

                try
                {
                    var report = AdapterInspector.Inspect(file);
                    await registry.AddAsync(report.ToRecord(registered), arguments.GetValue(replace), cancellationToken);
                    // Two names work, but jobs that use the one and the other share no fusion.
                    var twins = known.Where(other => other.Sha256 == report.Sha256 && !string.Equals(other.Name, registered, StringComparison.OrdinalIgnoreCase)).Select(other => $"'{other.Name}'").ToArray();
                    await context.Output.WriteLineAsync(
                        $"Registered adapter '{registered}' ({Describe(report)}){(twins.Length > 0 ? $"; the same content as {string.Join(", ", twins)}" : "")}");
                    known.Add(report.ToRecord(registered));
                    foreach (var warning in report.Warnings) await context.Error.WriteLineAsync($"batchgen: {Printable.Line(file)}: {Printable.Line(warning)}");
                }
                catch (Exception failure) when (failure is AdapterException or Queue.QueueException && records.Length > 1)
                {
                    // One bad file of many must not keep the others out.
                    failed++;
                    await context.Error.WriteLineAsync($"batchgen: {failure.Message}");
                }
            }

            return failed == 0 ? ExitCodes.Success : ExitCodes.Failed;
        });
        HelpWithExamples.Add(command, "batchgen adapters add style.safetensors --name my-style", "batchgen adapters add loras/", "batchgen adapters add style-v2.safetensors --name my-style --replace");
        return command;
    }

    private static Command CreateList(ProgramContext context)
    {
        var json = new Option<bool>("--json") { Description = "Print one JSON object per line." };
        var command = new Command("list", "List registered adapters.") { json };
        command.SetAction(async (arguments, cancellationToken) =>
        {
            await using var session = await QueueSession.OpenAsync(context, arguments.GetValue(CommandLine.Verbose), cancellationToken);
            var adapters = await session.Get<AdapterRegistry>().ListAsync(cancellationToken);
            if (arguments.GetValue(json)) foreach (var adapter in adapters) await context.Output.WriteLineAsync(JsonSerializer.Serialize(adapter, ApiJson.Compact));
            else PrintList(adapters, context);
            return ExitCodes.Success;
        });
        HelpWithExamples.Add(command, "batchgen adapters list", "batchgen adapters list --json | jq .sha256");
        return command;
    }

    private static Command CreateInspect(ProgramContext context)
    {
        var path = new Argument<string>("PATH") { Description = "Adapter file or PEFT folder; it need not be registered." };
        var json = new Option<bool>("--json") { Description = "Print JSON." };
        var command = new Command("inspect", "Say what an adapter file is: format, algorithm, family, ranks, trigger words, odd keys.") { path, json };
        command.SetAction(arguments =>
        {
            var report = AdapterInspector.Inspect(arguments.GetRequiredValue(path));
            if (arguments.GetValue(json)) context.Output.WriteLine(JsonSerializer.Serialize(report, ApiJson.Indented));
            else PrintReport(report, context.Output);
            return ExitCodes.Success;
        });
        HelpWithExamples.Add(command, "batchgen adapters inspect style.safetensors");
        return command;
    }

    // A folder with adapter_config.json is one adapter; any other folder stands for the adapter files in it.
    private static IEnumerable<string> Expand(string path)
    {
        if (!Directory.Exists(path) || File.Exists(Path.Combine(path, "adapter_config.json"))) return [path];
        var files = Directory.GetFiles(path, "*.safetensors").Order(StringComparer.Ordinal).ToArray();
        return files.Length > 0 ? files : throw CommandException.BadInput($"Folder '{path}' holds no .safetensors files and no adapter_config.json.");
    }

    private static string NameOf(string path) =>
        Directory.Exists(path) ? new DirectoryInfo(path).Name : Path.GetFileNameWithoutExtension(path);

    private static string Describe(AdapterReport report) =>
        $"{report.Format} {report.Algorithm}, {(report.Family.Length > 0 ? report.Family : "family unknown")}, {report.ModuleCount} modules, {Printable.Size(report.SizeBytes)}";

    private static void PrintList(IReadOnlyList<AdapterRecord> adapters, ProgramContext context)
    {
        if (adapters.Count == 0)
        {
            context.Error.WriteLine("No adapters are registered; 'batchgen adapters add FILE' registers one.");
            return;
        }

        var table = new PlainTable("NAME", "FORMAT", "ALGORITHM", "FAMILY", "RANK", "MODULES", "SIZE", "TRIGGER WORDS");
        foreach (var adapter in adapters)
        {
            table.Add(adapter.Name, adapter.Format, adapter.Algorithm, adapter.Family.Length > 0 ? adapter.Family : "-", RankOf(adapter.MinRank, adapter.MaxRank),
                adapter.ModuleCount.ToString(CultureInfo.InvariantCulture), Printable.Size(adapter.SizeBytes), string.Join(", ", adapter.TriggerWords));
        }

        table.Print(context);
    }

    private static void PrintReport(AdapterReport report, TextWriter output)
    {
        void Line(string name, string value)
        {
            if (value.Length > 0) output.WriteLine($"{name,-16}{Printable.Line(value)}");
        }

        Line("path", report.Path);
        Line("sha-256", report.Sha256);
        Line("size", Printable.Size(report.SizeBytes));
        Line("format", report.Format);
        Line("algorithm", report.Algorithm);
        Line("family", report.Family.Length > 0 ? report.Family : "not told by the file");
        Line("rank", RankOf(report.MinRank, report.MaxRank));
        Line("modules", string.Join(", ", report.ModulesByComponent.Select(pair => $"{(pair.Key.Length > 0 ? pair.Key : "unknown part")} {pair.Value}")));
        Line("element types", string.Join(", ", report.ElementTypes));
        Line("trigger words", string.Join(", ", report.TriggerWords));
        foreach (var embedding in report.Embeddings) Line("embedding", embedding);
        foreach (var key in report.UnknownKeys) Line("unknown key", key);
        foreach (var warning in report.Warnings) Line("warning", warning);
        foreach (var (key, value) in report.Metadata) Line("metadata", $"{key} = {Printable.Line(value, 200)}");
    }

    private static string RankOf(int min, int max) =>
        max == 0 ? "-" : min == max ? max.ToString(CultureInfo.InvariantCulture) : string.Create(CultureInfo.InvariantCulture, $"{min}-{max}");
}
