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
using BatchGen.Queue.Jobs;
using BatchGen.Queue.Registry;
using BatchGen.Queue.Workers;
using BatchGen.Worker.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace BatchGen.Commands;

/// <summary><c>batchgen demo</c>: the whole chain on the small model that comes with the project.</summary>
internal sealed class DemoCommand(ProgramContext context)
{
    private const int ShuffleSeed = 20;

    // The last checkpoint follows the last picture by milliseconds; this is only a bound.
    private static readonly TimeSpan VerifyTimeout = TimeSpan.FromSeconds(30);

    private static readonly string[] Prompts =
    [
        "a big red circle on a blue background",
        "a yellow star on a purple background",
        "a green tree on a meadow",
        "a blue house in the snow",
        "a white moon at night",
        "a big purple heart on a green background",
    ];

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
        var command = new Command("demo", "Render 42 small pictures over 7 adapter signatures and show what sorting by signature saved.");
        command.SetAction((arguments, cancellationToken) => new DemoCommand(context).RunAsync(arguments.GetValue(CommandLine.Verbose), cancellationToken));
        HelpWithExamples.Add(command, "batchgen demo");
        return command;
    }

    private async Task<int> RunAsync(bool verbose, CancellationToken cancellationToken)
    {
        RenderSupport.Require();
        var started = context.Clock.GetTimestamp();
        await using var session = await QueueSession.OpenAsync(context, verbose, cancellationToken);
        await RegisterAsync(session, cancellationToken);
        var campaign = "demo-" + context.Clock.GetLocalNow().ToString("yyyyMMdd-HHmmss", CultureInfo.InvariantCulture);
        var ids = await session.Get<JobSubmitter>().SubmitAsync(MakeJobs(campaign), cancellationToken);
        await context.Output.WriteLineAsync($"Submitted {ids.Count} jobs over {AdapterSets.Length} signatures in mixed order as campaign {campaign}");

        var options = session.Settings.Options.Worker;
        options.Models.Clear();
        options.Models.Add("demo");
        var checkpoints = session.Get<CheckpointLog>();
        var before = await checkpoints.CountAsync(cancellationToken);
        using var host = WorkerHost.Build(context, session.Settings, session.ConnectionString, verbose ? LogLevel.Information : LogLevel.Warning);
        JobCounts counts;
        var rendering = context.Clock.GetTimestamp();
        await host.StartAsync(cancellationToken);
        try
        {
            counts = await WatchAsync(session, host, campaign, cancellationToken);
        }
        finally
        {
            await host.StopAsync(CancellationToken.None);
        }

        var elapsed = context.Clock.GetElapsedTime(rendering);
        return await ReportAsync(session, campaign, counts, before, elapsed, context.Clock.GetElapsedTime(started), cancellationToken);
    }

    private async Task RegisterAsync(QueueSession session, CancellationToken cancellationToken)
    {
        var models = Path.Combine(context.HomeFolder, "models");
        if (!Directory.Exists(Path.Combine(models, "demo")))
            throw CommandException.Failed($"The demo model is not in '{Path.Combine(models, "demo")}'; run the demo inside a checkout, or set BATCHGEN_HOME to one.");
        await session.Get<ModelRegistry>().AddAsync(ModelInspector.Inspect(Path.Combine(models, "demo"), "demo"), replace: false, cancellationToken);
        foreach (var file in Directory.GetFiles(Path.Combine(models, "demo-adapters"), "*.safetensors").Order(StringComparer.Ordinal))
        {
            var record = AdapterInspector.Inspect(file).ToRecord(Path.GetFileNameWithoutExtension(file));
            await session.Get<AdapterRegistry>().AddAsync(record, replace: false, cancellationToken);
        }
    }

    /// <summary>Every prompt with every adapter set, in an order that switches adapters at nearly every job.</summary>
    internal static JobRequest[] MakeJobs(string campaign)
    {
        var jobs = AdapterSets.SelectMany(adapters => Prompts.Select((prompt, index) => new JobRequest
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

    private async Task<JobCounts> WatchAsync(QueueSession session, IHost host, string campaign, CancellationToken cancellationToken)
    {
        // A worker that gives up ends the host; without this the demo would wait for ever.
        using var watching = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping);
        try
        {
            var jobs = session.Get<JobCatalog>();
            var counts = await new ProgressWatcher(context, jobs, session.Get<WorkerRegistry>()).WatchAsync(campaign, watching.Token);
            var since = context.Clock.GetTimestamp();
            while (counts.Verified < counts.Succeeded && context.Clock.GetElapsedTime(since) < VerifyTimeout)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(100), context.Clock, watching.Token);
                counts = await jobs.CountAsync(campaign, watching.Token);
            }

            return counts;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw CommandException.Failed($"The worker stopped: {host.Services.GetRequiredService<WorkerOutcome>().Failure ?? "see its log lines (--verbose)"}");
        }
    }

    private async Task<int> ReportAsync(
        QueueSession session, string campaign, JobCounts counts, CheckpointCounts before, TimeSpan rendering, TimeSpan total, CancellationToken cancellationToken)
    {
        var catalog = session.Get<JobCatalog>();
        var jobs = await catalog.ListAsync(new JobFilter(Campaign: campaign, Limit: 1000), cancellationToken);
        var images = WorkerHost.ImageFolder(session.Settings);
        var sheet = Path.Combine(session.Settings.DataFolder, campaign + ".png");
        await File.WriteAllBytesAsync(sheet, MakeSheet(campaign, jobs, images), cancellationToken);
        var fusions = await catalog.CountFusionsAsync(campaign, cancellationToken);
        var after = await session.Get<CheckpointLog>().CountAsync(cancellationToken);

        var output = context.Output;
        await output.WriteLineAsync();
        void Line(string name, string value) => output.WriteLine($"{name,-18}{value}");
        Line("pictures", $"{counts.Succeeded} of {counts.Total}, {counts.Verified} verified by checksum{(counts.Failed > 0 ? $", {counts.Failed} failed" : "")}");
        Line("fusions done", $"{fusions.Done}; in order of arrival it would have been {fusions.InArrivalOrder}");
        Line("checkpoints", $"{after.Passed - before.Passed} passed, {after.Drifted - before.Drifted} drifted");
        Line("rendering", string.Create(CultureInfo.InvariantCulture, $"{rendering.TotalSeconds:0.0} s, {counts.Succeeded / Math.Max(0.001, rendering.TotalMinutes):0} images/min; {total.TotalSeconds:0.0} s in all"));
        Line("contact sheet", sheet);
        Line("pictures in", images);
        if (jobs.FirstOrDefault(job => job.Image is not null) is { } job) Line("try", $"batchgen show {Path.Combine(images, job.Image!.RelativePath)}");
        foreach (var failed in jobs.Where(job => job.State == JobState.Failed).Take(3)) Line("failed", $"job {failed.JobId}: {Printable.Line(failed.FailureMessage)}");
        return counts.Succeeded == counts.Total && counts.Verified == counts.Total ? ExitCodes.Success : ExitCodes.Failed;
    }

    private static byte[] MakeSheet(string campaign, IReadOnlyList<JobDetails> jobs, string images)
    {
        var rows = jobs.Where(job => job.Image is not null).GroupBy(job => job.Recipe.Signature.ToString()).OrderBy(group => group.Key, StringComparer.Ordinal)
            .Select(group => new ContactSheetRow(
                group.Key,
                group.OrderBy(job => job.Recipe.Seed)
                    .Select(job => new ContactSheetCell(ImageEncoder.Decode(File.ReadAllBytes(Path.Combine(images, job.Image!.RelativePath))), job.Recipe.Prompt)).ToArray()));
        return ContactSheet.Compose($"BatchGen {campaign}", rows.ToArray(), cellPixels: 192);
    }
}
