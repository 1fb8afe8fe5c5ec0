using System.CommandLine;
using BatchGen.Composition;

namespace BatchGen.Commands;

/// <summary><c>batchgen bench</c>: measures parts of the program on this machine.</summary>
internal static class BenchCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(ProgramContext context)
    {
        var command = new Command("bench", "Measure parts of BatchGen on this machine, each beside its floor.")
        {
            BenchQueueCommand.Create(context), BenchRenderCommand.Create(context), BenchSwitchCommand.Create(context),
            BenchChaosCommand.Create(context),
        };
        HelpWithExamples.Add(
            command, "batchgen bench queue --jobs 100000", "batchgen bench render --model models/sd15", "batchgen bench switch");
        return command;
    }
}
