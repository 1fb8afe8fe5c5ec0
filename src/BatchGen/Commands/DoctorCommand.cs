using System.CommandLine;
using System.Globalization;
using BatchGen.Composition;
using BatchGen.Doctor;
using BatchGen.Output;

namespace BatchGen.Commands;

/// <summary><c>batchgen doctor</c>: looks at machine, settings and database, and says what to do.</summary>
internal static class DoctorCommand
{
    private const int StateWidth = 8;

    /// <summary>Makes the command.</summary>
    public static Command Create(ProgramContext context)
    {
        var quick = new Option<bool>("--quick") { Description = "Compare files of models and adapters by size only." };
        var json = JsonOutput.LinesOption();
        const string Purpose =
            "Look at settings, database, disks, device and files, and say what is wrong and what to do. Exit code 1 if something is.";
        var command = new Command("doctor", Purpose) { quick, json };
        command.SetAction(async (arguments, cancellationToken) =>
        {
            var problems = new List<string>();
            await using var checkContext = new CheckContext
            {
                Program = context,
                Settings = Settings.ReadWhatFits(context, problems),
                SettingProblems = problems,
                Quick = arguments.GetValue(quick),
            };
            var counts = new Dictionary<FindingState, int>();
            await foreach (var finding in DoctorRun.RunAsync(DoctorRun.Checks, checkContext, cancellationToken))
            {
                counts[finding.State] = counts.GetValueOrDefault(finding.State) + 1;
                if (arguments.GetValue(json)) await JsonOutput.WriteLineAsync(context, ToJson(finding));
                else await context.Output.WriteLineAsync(ToLine(finding));
            }

            var (wrong, warnings) = (counts.GetValueOrDefault(FindingState.Wrong), counts.GetValueOrDefault(FindingState.Warning));
            if (!arguments.GetValue(json))
            {
                await context.Output.WriteLineAsync(string.Create(
                    CultureInfo.InvariantCulture, $"{counts.GetValueOrDefault(FindingState.Ok)} ok, {warnings} warnings, {wrong} wrong"));
            }

            return wrong > 0 ? ExitCodes.Failed : ExitCodes.Success;
        });
        HelpWithExamples.Add(
            command, "batchgen doctor", "batchgen doctor --quick", "batchgen doctor --json | jq 'select(.state == \"wrong\")'");
        return command;
    }

    // Names of files and workers may hold control characters.
    private static string ToLine(Finding finding)
    {
        var where = finding.Where is null ? "" : $" [{finding.Where}]";
        var remedy = finding.Remedy is null ? "" : $" {finding.Remedy}";
        return Printable.Line($"{finding.StateText.PadRight(StateWidth)}{finding.Check}: {finding.What}{where}{remedy}");
    }

    private static object ToJson(Finding finding) =>
        new { finding.Check, State = finding.StateText, finding.What, finding.Where, finding.Remedy };
}
