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
    private const int MaxSteps = 1000;

    private readonly Option<string?> _model = new("--model")
    {
        Description = "Model folder or file, for example of 'batchgen models synth'; default: the demo model that comes with the project.",
    };

    private readonly Option<int?> _size = new("--size") { Description = "Side of the image in pixels; default: the model's." };
    private readonly Option<int> _steps = new("--steps") { Description = "Steps of the image.", DefaultValueFactory = _ => 4 };
    private readonly Option<string> _type =
        new("--type") { Description = "Compute type: float32 or bfloat16.", DefaultValueFactory = _ => "float32" };

    private readonly Option<string[]> _parts = new("--part")
    {
        Description = $"Measure only this, may be given several times: {string.Join(", ", RenderBenchmark.Parts)}; default: all but batch.",
    };

    private readonly Option<bool> _quick = new("--quick")
    {
        Description = "Do not time the operations of each pass alone, which takes as long again.",
    };

    private BenchRenderCommand()
    {
    }

    /// <summary>Makes the command.</summary>
    public static Command Create(ProgramContext context)
    {
        var bench = new BenchRenderCommand();
        const string Purpose =
            "Measure rendering on the processor: text, UNet pass, VAE, image file, images per minute, memory, each beside its floor. "
            + "Needs no database.";
        var command = new Command("render", Purpose) { bench._model, bench._size, bench._steps, bench._type, bench._parts, bench._quick };
        command.SetAction((arguments, cancellationToken) =>
            Task.Run(() => bench.Run(context, arguments, cancellationToken), cancellationToken));
        HelpWithExamples.Add(
            command, "batchgen bench render", "batchgen bench render --model /tmp/sd15 --type bfloat16 --part unet --part batch");
        return command;
    }

    private int Run(ProgramContext context, ParseResult arguments, CancellationToken cancellationToken)
    {
        RenderSupport.Require();
        var model = ModelInspector.Inspect(arguments.GetValue(_model) ?? new DemoFiles(context.HomeFolder).ModelFolder, "bench");
        var options = new RenderBenchmarkOptions
        {
            SidePixels = CheckedArguments.ImageSide(_size, arguments.GetValue(_size) ?? model.NativeWidthPixels),
            Steps = CheckedArguments.Within(arguments, _steps, 1, MaxSteps),
            ComputeType = CheckedArguments.OneOf(arguments, _type, "float32", "bfloat16"),
            Floor = !arguments.GetValue(_quick),
        };
        if (CheckedArguments.SomeOf(arguments, _parts, RenderBenchmark.Parts) is { } parts) options.Parts = parts;
        new RenderBenchmark(context.Output.WriteLine).Run(
            model,
            options,
            image => ImageEncoder.Encode(new PixelImage(image.WidthPixels, image.HeightPixels, image.Rgb), ImageFormat.Png),
            cancellationToken);
        return ExitCodes.Success;
    }
}
