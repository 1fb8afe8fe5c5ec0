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
    private static readonly string[] DefaultPrompts =
    [
        "a big red circle on a blue background", "a yellow star on a purple background", "a green tree on a meadow",
        "a blue house in the snow", "a white moon at night", "a big purple heart on a green background",
    ];

    private readonly Option<string?> _model = new("--model") { Description = "Model folder or file; default: the demo model that comes with the project." };
    private readonly Option<string[]> _adapters = new("--adapter", "-a") { Description = "Adapter file as PATH or PATH@strength, two or more show most; default: demo-striped and demo-outline." };
    private readonly Option<int> _cycles = new("--cycles") { Description = "How often adapters are put on and taken off.", DefaultValueFactory = _ => 1000 };
    private readonly Option<string> _type = new("--type") { Description = "16-bit type the weights are held in: float16 or bfloat16.", DefaultValueFactory = _ => "float16" };
    private readonly Option<string[]> _prompts = new("--prompt", "-p") { Description = "What to draw at chosen cycles; default: six prompts of the demo model." };
    private readonly Option<int> _size = new("--size") { Description = "Edge of the pictures in pixels.", DefaultValueFactory = _ => 64 };
    private readonly Option<bool> _weightsOnly = new("--weights-only") { Description = "Draw nothing; for long runs." };
    private readonly Option<string[]> _procedures = new("--procedure") { Description = $"Run only this one, may be given several times: {string.Join(", ", DriftLaboratory.Procedures)}." };
    private readonly Option<string?> _out = new("--out", "-o") { Description = "Folder for the report; default: drift-report in the data folder." };
    private readonly ProgramContext _context;

    private DriftCommand(ProgramContext context) => _context = context;

    /// <summary>Makes the command.</summary>
    public static Command Create(ProgramContext context)
    {
        var drift = new DriftCommand(context);
        var command = new Command("drift", "Show what loading and unloading adapters does to 16-bit weights: the usual ways beside BatchGen's. Needs no database.")
        {
            drift._model, drift._adapters, drift._cycles, drift._type, drift._prompts, drift._size, drift._weightsOnly, drift._procedures, drift._out,
        };
        command.SetAction((arguments, cancellationToken) => Task.Run(() => drift.Run(arguments, cancellationToken), cancellationToken));
        HelpWithExamples.Add(
            command,
            "batchgen drift",
            "batchgen drift --cycles 1000000 --weights-only --procedure overlay",
            "batchgen drift --model models/sd15 --adapter a.safetensors@0.8 --adapter b.safetensors --size 512 --cycles 200 --out report");
        return command;
    }

    private int Run(ParseResult arguments, CancellationToken cancellationToken)
    {
        RenderSupport.Require();
        var plan = Plan(arguments);
        var folder = Path.GetFullPath(arguments.GetValue(_out) ?? Path.Combine(Settings.Read(_context).DataFolder, "drift-report"));
        var result = DriftLaboratory.Run(plan, new Lines(_context), cancellationToken);
        Print(result);
        foreach (var file in DriftReport.Write(result, folder)) _context.Output.WriteLine(file);
        // The promise of this program: a single differing checksum fails the command.
        return result.Series.Any(series => series.IsOurs && (series.ChangedDigests > 0 || series.Samples.Any(sample => sample.Weights.ShareChanged > 0)))
            ? ExitCodes.Failed
            : ExitCodes.Success;
    }

    private DriftPlan Plan(ParseResult arguments)
    {
        var cycles = arguments.GetValue(_cycles);
        if (cycles < 1) throw CommandException.BadInput($"--cycles {cycles}: expected 1 or more.");
        var type = arguments.GetValue(_type)!;
        if (type is not ("float16" or "bfloat16")) throw CommandException.BadInput($"--type {type}: expected float16 or bfloat16.");
        var size = arguments.GetValue(_size);
        if (size is < 64 or > 2048 || size % 8 != 0) throw CommandException.BadInput($"--size {size}: expected a multiple of 8 from 64 to 2048.");
        var models = Path.Combine(_context.HomeFolder, "models");
        var model = ModelInspector.Inspect(arguments.GetValue(_model) ?? Path.Combine(models, "demo"), "drift");
        var given = arguments.GetValue(_adapters) is { Length: > 0 } list
            ? list
            : [Path.Combine(models, "demo-adapters", "demo-striped.safetensors"), Path.Combine(models, "demo-adapters", "demo-outline.safetensors")];
        var adapters = given.Select(Adapter).ToArray();
        var signature = AdapterSignature.Create(model.Name, adapters.Select(adapter => adapter.Use));
        var prompts = arguments.GetValue(_weightsOnly) ? [] : arguments.GetValue(_prompts) is { Length: > 0 } own ? own : DefaultPrompts;
        var jobs = prompts.Select((prompt, i) => Job(prompt, i + 1, size, model)).ToArray();
        var procedures = arguments.GetValue(_procedures) is { Length: > 0 } chosen ? chosen : DriftLaboratory.Procedures;
        if (procedures.Except(DriftLaboratory.Procedures).FirstOrDefault() is { } unknown)
            throw CommandException.BadInput($"--procedure {unknown}: expected one of {string.Join(", ", DriftLaboratory.Procedures)}.");
        return new DriftPlan(model, signature, [.. adapters.Select(adapter => adapter.Record)], cycles, type, jobs, procedures);
    }

    private static (AdapterRecord Record, AdapterUse Use) Adapter(string text)
    {
        var at = text.LastIndexOf('@');
        var strength = 1m;
        if (at > 0 && !decimal.TryParse(text.AsSpan(at + 1), NumberStyles.Float, CultureInfo.InvariantCulture, out strength))
            throw CommandException.BadInput($"--adapter {text}: '{text[(at + 1)..]}' is not a number; write PATH@strength, for example style.safetensors@0.8.");
        var path = at > 0 ? text[..at] : text;
        var record = AdapterInspector.Inspect(path).ToRecord(Path.GetFileNameWithoutExtension(path));
        return (record, new AdapterUse(record.Name, strength));
    }

    private static ClaimedJob Job(string prompt, int number, int size, ModelRecord model) => new(number, 1, new RenderRecipe
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

    private void Print(DriftResult result)
    {
        foreach (var series in result.Series)
        {
            var last = series.Samples[^1];
            var pictures = last.Comparisons.Count == 0 ? "" : DriftReport.MeanPsnr(last) >= 100
                ? "; pictures equal"
                : string.Create(CultureInfo.InvariantCulture, $"; pictures {DriftReport.MeanPsnr(last):0.0} dB");
            var digests = series.IsOurs ? $"; {series.ChangedDigests} checksums of {result.Plan.Cycles:N0} differed" : "";
            _context.Output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{series.Name}: after {last.Cycle:N0} cycles weight error {last.Weights.RelativeRms:0.0000%}, {last.Weights.ShareChanged:0.00%} of the numbers changed{pictures}{digests}; "
                + $"{series.ElapsedMs / result.Plan.Cycles:0.00} ms a cycle"));
        }
    }

    // A line a procedure and a tenth of its cycles, on standard error: the report is what standard output is for.
    private sealed class Lines(ProgramContext context) : IProgress<DriftProgress>
    {
        private (int Number, int Tenth) _last = (0, -1);

        public void Report(DriftProgress value)
        {
            var now = (value.Number, (int)(10L * value.Cycle / value.Cycles));
            if (now == _last) return;
            _last = now;
            context.Error.WriteLine($"[{value.Number}/{value.Count}] {value.Procedure}: {value.Cycle:N0} of {value.Cycles:N0} cycles");
        }
    }
}
