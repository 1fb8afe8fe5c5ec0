using System.CommandLine;
using BatchGen.Composition;
using BatchGen.Core.Jobs;
using BatchGen.Diffusion.Benchmarking;
using BatchGen.Diffusion.Models;
using BatchGen.Imaging;

namespace BatchGen.Commands;

/// <summary><c>batchgen bench render</c>: measures the parts of rendering on the processor.</summary>
internal sealed class BenchRenderCommand
{
    private readonly Option<string?> _model = new("--model") { Description = "Model folder or file, for example of 'batchgen models synth'; default: the demo model that comes with the project." };
    private readonly Option<int?> _size = new("--size") { Description = "Side of the picture in pixels; default: the model's." };
    private readonly Option<int> _steps = new("--steps") { Description = "Steps of the picture.", DefaultValueFactory = _ => 4 };
    private readonly Option<string> _type = new("--type") { Description = "Compute type: float32 or bfloat16.", DefaultValueFactory = _ => "float32" };
    private readonly Option<string[]> _parts = new("--part") { Description = $"Measure only this, may be given several times: {string.Join(", ", RenderBenchmark.Parts)}; default: all but batch." };
    private readonly Option<bool> _quick = new("--quick") { Description = "Do not time the operations of each pass alone, which takes as long again." };

    private BenchRenderCommand()
    {
    }

    /// <summary>Makes the command.</summary>
    public static Command Create(ProgramContext context)
    {
        var bench = new BenchRenderCommand();
        var command = new Command("render", "Measure rendering on the processor: text, UNet pass, VAE, picture file, images per minute, memory, each beside its floor. Needs no database.")
        {
            bench._model, bench._size, bench._steps, bench._type, bench._parts, bench._quick,
        };
        command.SetAction((arguments, cancellationToken) => Task.Run(() => bench.Run(context, arguments, cancellationToken), cancellationToken));
        HelpWithExamples.Add(command, "batchgen bench render", "batchgen bench render --model /tmp/sd15 --type bfloat16 --part unet --part batch");
        return command;
    }

    private int Run(ProgramContext context, ParseResult arguments, CancellationToken cancellationToken)
    {
        RenderSupport.Require();
        var model = ModelInspector.Inspect(arguments.GetValue(_model) ?? Path.Combine(context.HomeFolder, "models", "demo"), "bench");
        var options = new RenderBenchmarkOptions
        {
            SidePixels = arguments.GetValue(_size) ?? model.NativeWidthPixels,
            Steps = arguments.GetValue(_steps),
            ComputeType = arguments.GetValue(_type)!,
            Floor = !arguments.GetValue(_quick),
        };
        if (arguments.GetValue(_parts) is { Length: > 0 } parts) options.Parts = parts;
        if (options.SidePixels % 8 != 0 || options.SidePixels is < 64 or > 2048) throw CommandException.BadInput($"--size {options.SidePixels}: expected a multiple of 8 from 64 to 2048.");
        if (options.Steps is < 1 or > 1000) throw CommandException.BadInput($"--steps {options.Steps}: expected 1 to 1000.");
        if (options.ComputeType is not ("float32" or "bfloat16")) throw CommandException.BadInput($"--type {options.ComputeType}: expected float32 or bfloat16.");
        if (options.Parts.Except(RenderBenchmark.Parts).FirstOrDefault() is { } unknown)
            throw CommandException.BadInput($"--part {unknown}: expected one of {string.Join(", ", RenderBenchmark.Parts)}.");
        new RenderBenchmark(context.Output.WriteLine).Run(
            model, options, image => ImageEncoder.Encode(new PixelImage(image.WidthPixels, image.HeightPixels, image.Rgb), ImageFormat.Png), cancellationToken);
        return ExitCodes.Success;
    }
}
