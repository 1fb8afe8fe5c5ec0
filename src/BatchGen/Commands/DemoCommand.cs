using System.CommandLine;
using System.Globalization;
using BatchGen.Composition;
using BatchGen.Core.Jobs;
using BatchGen.Diffusion.Adapters;
using BatchGen.Diffusion.Models;
using BatchGen.Imaging;
using BatchGen.Imaging.Sheets;
using BatchGen.Output;
using BatchGen.Queue.Checkpoints;
using BatchGen.Worker.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace BatchGen.Commands;

/// <summary><c>batchgen demo</c>: the whole chain on the small model that comes with the project.</summary>
internal sealed class DemoCommand(ProgramContext context)
{
    private const int ShuffleSeed = 20;
    private const int LabelWidth = 18;
    private const int CellPixels = 192;

    // The last checkpoint follows the last image by milliseconds; this is only a bound.
    private static readonly TimeSpan VerifyTimeout = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan VerifyPollInterval = TimeSpan.FromMilliseconds(100);

    private static readonly JobRequestAdapter[][] AdapterSets =
    [
        [],
        [new("demo-neon", 1m)],
        [new("demo-outline", 1m)],
        [new("demo-pixel", 1m)],
        [new("demo-striped", 1m)],
        [new("demo-neon", 0.7m), new("demo-outline", 0.7m)],
        [new("demo-pixel", 0.7m), new("demo-striped", 0.7m)],
    ];

    /// <summary>Makes the command.</summary>
    public static Command Create(ProgramContext context)
    {
        var command = new Command("demo", "Render 42 small images over 7 adapter signatures and show what sorting by signature saved.");
        command.SetAction((arguments, cancellationToken) => new DemoCommand(context).RunAsync(arguments, cancellationToken));
        HelpWithExamples.Add(command, "batchgen demo");
        return command;
    }

    private async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken)
    {
        RenderSupport.Require();
        var started = context.Clock.GetTimestamp();
        await using var session = await QueueSession.OpenAsync(context, arguments, cancellationToken);
        await RegisterAsync(session, cancellationToken);
        var campaign = "demo-" + context.Clock.GetLocalNow().ToString("yyyyMMdd-HHmmss", CultureInfo.InvariantCulture);
        var ids = await session.Submitter.SubmitAsync(MakeJobs(campaign), cancellationToken);
        await context.Output.WriteLineAsync(
            $"Submitted {ids.Count} jobs over {AdapterSets.Length} signatures in mixed order as campaign {campaign}");

        var checkpointsBefore = await session.Checkpoints.CountAsync(cancellationToken);
        var renderingStarted = context.Clock.GetTimestamp();
        var counts = await RenderAsync(session, campaign, CommandLine.LowestLevel(arguments), cancellationToken);
        var run = new DemoRun(
            campaign, counts, checkpointsBefore, context.Clock.GetElapsedTime(renderingStarted), context.Clock.GetElapsedTime(started));
        await ReportAsync(session, run, cancellationToken);
        return counts.Succeeded == counts.Total && counts.Verified == counts.Total ? ExitCodes.Success : ExitCodes.Failed;
    }

    private async Task RegisterAsync(QueueSession session, CancellationToken cancellationToken)
    {
        var files = new DemoFiles(context.HomeFolder);
        if (!Directory.Exists(files.ModelFolder))
        {
            throw CommandException.Failed(
                $"The demo model is not in '{files.ModelFolder}'; run the demo inside a checkout, or set BATCHGEN_HOME to one.");
        }

        await session.Models.AddAsync(ModelInspector.Inspect(files.ModelFolder, "demo"), replace: false, cancellationToken);
        foreach (var file in files.Adapters)
        {
            var record = AdapterInspector.Inspect(file).ToRecord(Path.GetFileNameWithoutExtension(file));
            await session.Adapters.AddAsync(record, replace: false, cancellationToken);
        }
    }

    // Every prompt with every adapter set, in an order that switches adapters at nearly every job.
    private static JobRequest[] MakeJobs(string campaign)
    {
        var jobs = AdapterSets.SelectMany(adapters => DemoFiles.Prompts.Select((prompt, index) => new JobRequest
        {
            Prompt = prompt,
            Model = "demo",
            Adapters = adapters,
            Width = 64,
            Height = 64,
            Steps = 20,
            Sampler = "ddim",
            GuidanceScale = 4.5,
            Seed = 1000 + index,
            Priority = 50, // Ahead of other work on the same model, so that the demo ends soon.
            Campaign = campaign,
        })).ToArray();
        new Random(ShuffleSeed).Shuffle(jobs);
        return jobs;
    }

    // A worker in this process renders the campaign, and is stopped when all of it is verified.
    private async Task<JobCounts> RenderAsync(QueueSession session, string campaign, LogLevel lowest, CancellationToken cancellationToken)
    {
        var options = session.Settings.Options.Worker;
        options.Models.Clear();
        options.Models.Add("demo");
        using var host = WorkerHost.Build(context, session.Settings, session.ConnectionString, lowest);
        await host.StartAsync(cancellationToken);
        try
        {
            return await WatchAsync(session, host, campaign, cancellationToken);
        }
        finally
        {
            await host.StopAsync(CancellationToken.None);
        }
    }

    private async Task<JobCounts> WatchAsync(QueueSession session, IHost host, string campaign, CancellationToken cancellationToken)
    {
        // A worker that gives up ends the host; without this the demo would wait for ever.
        var hostStops = host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
        using var watching = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, hostStops);
        try
        {
            var watcher = new ProgressWatcher(context, session.Jobs, session.Workers, session.Standstills);
            var counts = await watcher.WatchAsync(campaign, watching.Token);
            var rendered = context.Clock.GetTimestamp();
            while (counts.Verified < counts.Succeeded && context.Clock.GetElapsedTime(rendered) < VerifyTimeout)
            {
                await Task.Delay(VerifyPollInterval, context.Clock, watching.Token);
                counts = await session.Jobs.CountAsync(campaign, watching.Token);
            }

            return counts;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            var reason = host.Services.GetRequiredService<WorkerOutcome>().Failure ?? "see its log lines (--verbose)";
            throw CommandException.Failed($"The worker stopped: {reason}");
        }
    }

    private async Task ReportAsync(QueueSession session, DemoRun run, CancellationToken cancellationToken)
    {
        var jobs = await session.Jobs.ListAsync(new JobFilter(Campaign: run.Campaign, Limit: 1000), cancellationToken);
        var folder = WorkerHost.ImageFolder(session.Settings);
        var sheet = Path.Combine(session.Settings.DataFolder, run.Campaign + ".png");
        await File.WriteAllBytesAsync(sheet, DrawSheet(run.Campaign, jobs, folder), cancellationToken);
        var fusions = await session.Jobs.CountFusionsAsync(run.Campaign, cancellationToken);
        var checkpoints = await session.Checkpoints.CountAsync(cancellationToken);

        await context.Output.WriteLineAsync();
        var counts = run.Counts;
        var failures = counts.Failed > 0 ? $", {counts.Failed} failed" : "";
        var perMinute = counts.Succeeded / Math.Max(0.001, run.Rendering.TotalMinutes);
        var lines = new LabelledLines(context.Output, LabelWidth);
        lines.Add("images", $"{counts.Succeeded} of {counts.Total}, {counts.Verified} verified by checksum{failures}");
        lines.Add("fusions done", $"{fusions.Done}; in order of arrival it would have been {fusions.InArrivalOrder}");
        lines.Add(
            "checkpoints",
            $"{checkpoints.Passed - run.CheckpointsBefore.Passed} passed, {checkpoints.Drifted - run.CheckpointsBefore.Drifted} drifted");
        lines.Add(
            "rendering",
            string.Create(
                CultureInfo.InvariantCulture,
                $"{run.Rendering.TotalSeconds:0.0} s, {perMinute:0} images/min; {run.Total.TotalSeconds:0.0} s in all"));
        lines.Add("contact sheet", sheet);
        lines.Add("images in", folder);
        if (jobs.FirstOrDefault(job => job.Image is not null) is { Image: { } image })
            lines.Add("try", $"batchgen show {Path.Combine(folder, image.RelativePath)}");
        foreach (var failed in jobs.Where(job => job.State == JobState.Failed).Take(3))
            lines.Add("failed", $"job {failed.JobId}: {Printable.Line(failed.FailureMessage)}");
    }

    private static byte[] DrawSheet(string campaign, IReadOnlyList<JobDetails> jobs, string folder)
    {
        var signatures = jobs.Where(job => job.Image is not null)
            .GroupBy(job => job.Recipe.Signature.ToString())
            .OrderBy(group => group.Key, StringComparer.Ordinal);
        var rows = signatures.Select(group => new ContactSheetRow(
            group.Key,
            [
                .. group.OrderBy(job => job.Recipe.Seed).Select(job => new ContactSheetCell(
                    ImageEncoder.Decode(File.ReadAllBytes(Path.Combine(folder, job.Image!.RelativePath))), job.Recipe.Prompt)),
            ]));
        return ContactSheet.Compose($"BatchGen {campaign}", rows.ToArray(), CellPixels);
    }

    /// <summary>A finished run of the demo.</summary>
    /// <param name="Campaign">Campaign of its jobs.</param>
    /// <param name="Counts">What became of them.</param>
    /// <param name="CheckpointsBefore">Checkpoints recorded before the run.</param>
    /// <param name="Rendering">Time from the start of the worker to its end.</param>
    /// <param name="Total">Time of the whole command so far.</param>
    private sealed record DemoRun(
        string Campaign, JobCounts Counts, CheckpointCounts CheckpointsBefore, TimeSpan Rendering, TimeSpan Total);
}
