using System.CommandLine;
using BatchGen.Composition;
using BatchGen.Worker.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace BatchGen.Commands;

/// <summary><c>batchgen worker</c>: one worker on one device, until it is stopped.</summary>
internal static class WorkerCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(ProgramContext context)
    {
        var name = new Option<string?>("--name") { Description = "What people call the worker; default: host name and device." };
        var device = new Option<string?>("--device") { Description = "auto, cpu, cuda or cuda:N; default: BatchGen:Diffusion:Device." };
        var models = new Option<string[]>("--model", "-m") { Description = "Serve only this model; may be given several times." };
        var health = new Option<string?>("--health-url")
        {
            Description = "Answer /healthz, /readyz and /metrics on this address; default: BatchGen:Worker:HealthUrl.",
        };
        var idle = new Option<bool>("--exit-when-idle") { Description = "End when nothing is left to do." };
        var supervised = new Option<bool>("--supervised") { Description = "Stop when standard input ends.", Hidden = true };
        const string Purpose = "Render jobs on one device until stopped: claim, fuse, render, save, unload, verify.";
        var command = new Command("worker", Purpose) { name, device, models, health, idle, supervised };
        command.SetAction(async (arguments, cancellationToken) =>
        {
            RenderSupport.Require();
            await using var session = await QueueSession.OpenAsync(context, arguments, cancellationToken);
            var options = session.Settings.Options;
            if (arguments.GetValue(name) is { } givenName) options.Worker.Name = givenName;
            if (arguments.GetValue(device) is { } givenDevice) options.Diffusion.Device = givenDevice;
            if (arguments.GetValue(health) is { } givenUrl) options.Worker.HealthUrl = givenUrl;
            if (arguments.GetValue(idle)) options.Worker.ExitWhenIdle = true;
            if (arguments.GetValue(models) is { Length: > 0 } givenModels)
            {
                options.Worker.Models.Clear();
                foreach (var model in givenModels) options.Worker.Models.Add(model);
            }

            OptionsReader.Check("command line", options);
            using var stopping = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            if (arguments.GetValue(supervised)) StopWhenInputEnds(context, stopping);
            using var host = WorkerHost.Build(context, session.Settings, session.ConnectionString, LogLevel.Trace);
            var outcome = host.Services.GetRequiredService<WorkerOutcome>();
            var reason = await HostEnd.RunAsync(host, () => outcome.EndedInOrder, static () => Task.CompletedTask, stopping.Token);
            if ((outcome.Failure ?? reason) is { } failure) throw CommandException.Failed(failure);
            return stopping.IsCancellationRequested ? ExitCodes.Interrupted : ExitCodes.Success;
        });
        HelpWithExamples.Add(
            command,
            "batchgen worker",
            "batchgen worker --device cuda:1 --name gpu-1",
            "ConnectionStrings__BatchGen='Host=db;...' batchgen worker --exit-when-idle");
        return command;
    }

    // The supervisor holds the other end of the pipe; it closes when the supervisor stops or dies. A thread of its own, because reading a
    // console input blocks.
    private static void StopWhenInputEnds(ProgramContext context, CancellationTokenSource stopping)
    {
        var thread = new Thread(() =>
        {
            while (context.Input.ReadLine() is not null)
            {
                // Nothing is expected on the pipe.
            }

            try
            {
                stopping.Cancel();
            }
            catch (ObjectDisposedException)
            {
                // The command has ended already.
                return;
            }
        }) { IsBackground = true, Name = "supervisor" };
        thread.Start();
    }
}
