using System.CommandLine;
using System.Globalization;
using BatchGen.Composition;
using BatchGen.Core.Adapters;
using BatchGen.Core.Jobs;
using BatchGen.Core.Registry;
using BatchGen.Diffusion.Adapters;
using BatchGen.Diffusion.Drift;
using BatchGen.Diffusion.Models;
using BatchGen.Reports;

namespace BatchGen.Commands;

/// <summary><c>batchgen drift</c>: shows what switching adapters does to 16-bit weights, the usual ways and BatchGen's.</summary>
internal sealed class DriftCommand
{
    private readonly Option<string?> _model = new("--model")
    {
        Description = "Model folder or file; default: the demo model that comes with the project.",
    };

    private readonly Option<string[]> _adapters = new("--adapter", "-a")
    {
        Description = "Adapter file as PATH or PATH@strength, two or more show most; default: demo-striped and demo-outline.",
    };

    private readonly Option<int> _cycles = new("--cycles")
    {
        Description = "How often adapters are put on and taken off.", DefaultValueFactory = _ => 1000,
    };

    private readonly Option<string> _type = new("--type")
    {
        Description = "16-bit type the weights are held in: float16 or bfloat16.", DefaultValueFactory = _ => "float16",
    };

    private readonly Option<string[]> _prompts = new("--prompt", "-p")
    {
        Description = "What to draw at chosen cycles; default: six prompts of the demo model.",
    };

    private readonly Option<int> _size = new("--size") { Description = "Edge of the images in pixels.", DefaultValueFactory = _ => 64 };
    private readonly Option<bool> _weightsOnly = new("--weights-only") { Description = "Draw nothing; for long runs." };

    private readonly Option<string[]> _procedures = new("--procedure")
    {
        Description = $"Run only this one, may be given several times: {string.Join(", ", DriftLaboratory.Procedures)}.",
    };

    private readonly Option<string?> _out = new("--out", "-o")
    {
        Description = "Folder for the report; default: drift-report in the data folder.",
    };

    private readonly ProgramContext _context;

    private DriftCommand(ProgramContext context) => _context = context;

    /// <summary>Makes the command.</summary>
    public static Command Create(ProgramContext context)
    {
        var drift = new DriftCommand(context);
        const string Purpose =
            "Show what loading and unloading adapters does to 16-bit weights: the usual ways beside BatchGen's. Needs no database.";
        var command = new Command("drift", Purpose)
        {
            drift._model, drift._adapters, drift._cycles, drift._type, drift._prompts, drift._size, drift._weightsOnly, drift._procedures,
            drift._out,
        };
        command.SetAction(
            (arguments, cancellationToken) => Task.Run(() => drift.RunAsync(arguments, cancellationToken), cancellationToken));
        HelpWithExamples.Add(
            command,
            "batchgen drift",
            "batchgen drift --cycles 1000000 --weights-only --procedure overlay",
            "batchgen drift --model models/sd15 --adapter a.safetensors@0.8 --adapter b.safetensors --size 512 --cycles 200 --out report");
        return command;
    }

    private async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken)
    {
        RenderSupport.Require();
        var plan = ReadPlan(arguments);
        var folder = Path.GetFullPath(arguments.GetValue(_out) ?? Path.Combine(Settings.Read(_context).DataFolder, "drift-report"));
        var result = DriftLaboratory.Run(plan, new ProgressLines(_context.Error), cancellationToken);
        foreach (var series in result.Series) await _context.Output.WriteLineAsync(Describe(series, result.Plan));
        foreach (var file in await DriftReport.WriteAsync(result, folder, cancellationToken)) await _context.Output.WriteLineAsync(file);
        // BatchGen promises unchanged weights: a single differing checksum fails the command.
        var changed = result.Series.Any(series =>
            series.IsOurs && (series.ChangedDigests > 0 || series.Samples.Any(sample => sample.Weights.ShareChanged > 0)));
        return changed ? ExitCodes.Failed : ExitCodes.Success;
    }

    private DriftPlan ReadPlan(ParseResult arguments)
    {
        var cycles = CheckedArguments.AtLeastOne(arguments, _cycles);
        var type = CheckedArguments.OneOf(arguments, _type, "float16", "bfloat16");
        var size = CheckedArguments.ImageSide(_size, arguments.GetValue(_size));
        var procedures = CheckedArguments.SomeOf(arguments, _procedures, DriftLaboratory.Procedures) ?? DriftLaboratory.Procedures;
        var demo = new DemoFiles(_context.HomeFolder);
        var model = ModelInspector.Inspect(arguments.GetValue(_model) ?? demo.ModelFolder, "drift");
        var files = arguments.GetValue(_adapters) is { Length: > 0 } given ? given
            : [demo.Adapter("demo-striped"), demo.Adapter("demo-outline")];
        var adapters = files.Select(ReadAdapter).ToArray();
        var signature = AdapterSignature.Create(model.Name, adapters.Select(adapter => adapter.Use));
        var prompts = arguments.GetValue(_prompts) is { Length: > 0 } own ? own : DemoFiles.Prompts;
        if (arguments.GetValue(_weightsOnly)) prompts = [];
        var jobs = prompts.Select((prompt, i) => MakeJob(prompt, i + 1, size, model)).ToArray();
        return new DriftPlan(model, signature, [.. adapters.Select(adapter => adapter.Record)], cycles, type, jobs, procedures);
    }

    private static (AdapterRecord Record, AdapterUse Use) ReadAdapter(string text)
    {
        var at = text.LastIndexOf('@');
        var strength = 1m;
        if (at > 0 && !decimal.TryParse(text.AsSpan(at + 1), NumberStyles.Float, CultureInfo.InvariantCulture, out strength))
        {
            throw CommandException.BadInput(
                $"--adapter {text}: '{text[(at + 1)..]}' is not a number; write PATH@strength, for example style.safetensors@0.8.");
        }

        var path = at > 0 ? text[..at] : text;
        var record = AdapterInspector.Inspect(path).ToRecord(Path.GetFileNameWithoutExtension(path));
        return (record, new AdapterUse(record.Name, strength));
    }

    private static ClaimedJob MakeJob(string prompt, int number, int size, ModelRecord model) => new(number, 1, new RenderRecipe
    {
        Prompt = prompt,
        NegativePrompt = "",
        Signature = AdapterSignature.Create(model.Name, []),
        WidthPixels = size,
        HeightPixels = size,
        Steps = 20,
        Sampler = "ddim",
        GuidanceScale = 4.5,
        Seed = number,
    });

    private static string Describe(DriftSeries series, DriftPlan plan)
    {
        var last = series.Samples[^1];
        var images = last.Comparisons.Count == 0 ? ""
            : DriftReport.MeanPsnr(last) >= DriftReport.EqualPsnr ? "; images equal"
            : string.Create(CultureInfo.InvariantCulture, $"; images {DriftReport.MeanPsnr(last):0.0} dB");
        var digests = series.IsOurs ? $"; {series.ChangedDigests} checksums of {plan.Cycles:N0} differed" : "";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{series.Name}: after {last.Cycle:N0} cycles weight error {last.Weights.RelativeRms:0.0000%}, "
            + $"{last.Weights.ShareChanged:0.00%} of the numbers changed{images}{digests}; "
            + $"{series.ElapsedMs / plan.Cycles:0.00} ms a cycle");
    }

    /// <summary>One line for each procedure and tenth of its cycles, on standard error, because standard output holds the result.</summary>
    private sealed class ProgressLines(TextWriter error) : IProgress<DriftProgress>
    {
        private (int Number, int Tenth) _printed = (0, -1);

        public void Report(DriftProgress value)
        {
            var reached = (value.Number, (int)(10L * value.Cycle / value.Cycles));
            if (reached == _printed) return;
            _printed = reached;
            error.WriteLine($"[{value.Number}/{value.Count}] {value.Procedure}: {value.Cycle:N0} of {value.Cycles:N0} cycles");
        }
    }
}
