using System.Globalization;
using BatchGen.Benchmarks;

// One measurement a name: `dotnet run --project tests/BatchGen.Benchmarks -c Release -- switch [cycles]`.
switch (args)
{
    case ["switch"]:
        return new SwitchBenchmark(Console.Out).Run(cycles: 10_000);
    case ["switch", var cycles] when int.TryParse(cycles, NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count > 0:
        return new SwitchBenchmark(Console.Out).Run(count);
    case ["synth", var family, var folder]:
        BatchGen.Diffusion.Models.SyntheticModel.Write(family, folder, seed: 1, CancellationToken.None);
        return 0;
    case ["render", var folder, var side, var type, .. var parts] when int.TryParse(side, NumberStyles.None, CultureInfo.InvariantCulture, out var pixels) && pixels > 0:
        return new RenderBenchmark(Console.Out).Run(folder, pixels, type, parts.Length > 0 ? parts : ["text", "unet", "vae", "images"]);
    default:
        Console.Error.WriteLine("Name a measurement: switch [cycles] | synth sd15|sd21|sdxl FOLDER | render FOLDER PIXELS float32|bfloat16 [text] [unet] [batch] [vae] [images]");
        return 2;
}
