using System.CommandLine;
using System.Globalization;
using BatchGen.Composition;
using BatchGen.Diffusion.Benchmarking;

namespace BatchGen.Commands;

/// <summary><c>batchgen bench switch</c>: measures fuse, unload and checksum at the dimensions of SD 1.5.</summary>
internal static class BenchSwitchCommand
{
    // The narrowest attention layer of SD 1.5 has 320 channels; a higher rank would be no reduction.
    private const int MaxRank = 320;

    /// <summary>Makes the command.</summary>
    public static Command Create(ProgramContext context)
    {
        var rank = new Option<int>("--rank") { Description = "Rank of the adapters.", DefaultValueFactory = _ => 16 };
        var repeats = new Option<int>("--repeats")
        {
            Description = "How often each thing is measured; the best time counts.", DefaultValueFactory = _ => 15,
        };
        var peer = new Option<string?>("--peer")
        {
            Description = "What another program needed for load, fuse, unfuse and unload of such an adapter, measured on this machine: "
                + "NAME=MILLISECONDS.",
        };
        const string Purpose =
            "Measure switching adapters: fuse, unload, checksum, bytes moved, on the attention layers of SD 1.5 with random weights. "
            + "Needs no database.";
        var command = new Command("switch", Purpose) { rank, repeats, peer };
        command.SetAction((arguments, cancellationToken) => Task.Run(
            () =>
            {
                RenderSupport.Require();
                var most = CheckedArguments.Within(arguments, rank, 1, MaxRank);
                var benchmark = new SwitchBenchmark(context.Output.WriteLine) { Repeats = CheckedArguments.AtLeastOne(arguments, repeats) };
                benchmark.Run(most, PeerOf(arguments.GetValue(peer)), cancellationToken);
                return ExitCodes.Success;
            },
            cancellationToken));
        HelpWithExamples.Add(command, "batchgen bench switch", "batchgen bench switch --rank 128",
            "batchgen bench switch --peer \"diffusers 0.42.1=230\"");
        return command;
    }

    private static PeerMeasurement? PeerOf(string? text)
    {
        if (text is null) return null;
        var split = text.LastIndexOf('=');
        return split > 0 && double.TryParse(text[(split + 1)..], NumberStyles.Float, CultureInfo.InvariantCulture, out var milliseconds)
            && milliseconds > 0
            ? new PeerMeasurement(text[..split], milliseconds)
            : throw CommandException.BadInput($"--peer {text}: expected NAME=MILLISECONDS, for example \"diffusers 0.42.1=230\".");
    }
}
