using System.Globalization;
using BatchGen.Benchmarks;

// One measurement a name: `dotnet run --project tests/BatchGen.Benchmarks -c Release -- switch [cycles]`.
switch (args)
{
    case ["switch"]:
        return new SwitchBenchmark(Console.Out).Run(cycles: 10_000);
    case ["switch", var cycles] when int.TryParse(cycles, NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count > 0:
        return new SwitchBenchmark(Console.Out).Run(count);
    default:
        Console.Error.WriteLine("Name a measurement: switch [cycles]");
        return 2;
}
