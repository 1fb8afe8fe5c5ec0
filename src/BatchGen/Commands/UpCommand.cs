using System.CommandLine;
using BatchGen.Composition;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace BatchGen.Commands;

/// <summary><c>batchgen up</c>: database, dashboard and supervised workers.</summary>
internal static class UpCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(ProgramContext context)
    {
        var devices = new Option<string[]>("--device")
        {
            Description = "Run a worker process on this device (cpu, cuda:0, ...); may be given several times. "
                + "Default: one, on BatchGen:Diffusion:Device.",
        };
        var none = new Option<bool>("--no-worker") { Description = "Run database and dashboard only." };
        var command =
            new Command("up", "Run everything: database, dashboard and one supervised worker process per device.") { devices, none };
        command.SetAction(async (arguments, cancellationToken) =>
        {
            var given = arguments.GetValue(devices) ?? [];
            var withoutWorkers = arguments.GetValue(none) || RenderSupport.TorchBackend == "none";
            if (given.Length > 0 && withoutWorkers) RenderSupport.Require();
            // One null: a worker on the device that the settings name.
            IReadOnlyList<string?> list = withoutWorkers ? [] : given.Length > 0 ? given : new string?[] { null };
            await using var session = await QueueSession.OpenAsync(context, arguments, cancellationToken);
            await using var app = await WebHost.BuildAsync(
                context, session.Settings, session.ConnectionString, LogLevel.Trace,
                services => services.AddHostedService(provider => new WorkerSupervisor(
                    context, session.Settings, session.ConnectionString, list, provider.GetRequiredService<ILogger<WorkerSupervisor>>())),
                cancellationToken);
            var line = $"Dashboard on {session.Settings.Options.Dashboard.Url}; Ctrl-C stops everything in order";
            var reason = await HostEnd.RunAsync(app, static () => false, () => context.Output.WriteLineAsync(line), cancellationToken);
            return reason is null ? ExitCodes.Interrupted : throw CommandException.Failed(reason);
        });
        HelpWithExamples.Add(
            command,
            "batchgen up",
            "batchgen up --device cuda:0 --device cuda:1",
            "BatchGen__Dashboard__Url=http://127.0.0.1:8080 batchgen up --no-worker");
        return command;
    }
}
