using System.CommandLine;
using BatchGen.Composition;
using BatchGen.Diffusion.Benchmarking;

namespace BatchGen.Commands;

/// <summary><c>batchgen bench switch</c>: measures fuse, unload and checksum at the dimensions of SD 1.5.</summary>
internal static class BenchSwitchCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(ProgramContext context)
    {
        var rank = new Option<int>("--rank") { Description = "Rank of the adapters.", DefaultValueFactory = _ => 16 };
        var command = new Command("switch", "Measure switching adapters: fuse, unload, checksum, bytes moved, on the attention layers of SD 1.5 with random weights. Needs no database.") { rank };
        command.SetAction((arguments, cancellationToken) => Task.Run(
            () =>
            {
                RenderSupport.Require();
                if (arguments.GetValue(rank) is not (>= 1 and <= 320) and var value) throw CommandException.BadInput($"--rank {value}: expected 1 to 320.");
                new SwitchBenchmark(context.Output.WriteLine).Run(arguments.GetValue(rank), cancellationToken);
                return ExitCodes.Success;
            },
            cancellationToken));
        HelpWithExamples.Add(command, "batchgen bench switch", "batchgen bench switch --rank 128");
        return command;
    }
}
