using System.Text.RegularExpressions;
using BatchGen.Dashboard;
using BatchGen.Dashboard.Images;
using BatchGen.Dashboard.Scheduling;
using BatchGen.Dashboard.Security;
using BatchGen.Imaging;
using BatchGen.Queue;
using BatchGen.Queue.Access;
using BatchGen.Testing;
using Hangfire;
using Hangfire.Common;
using Hangfire.Storage;
using DashboardOptions = BatchGen.Dashboard.DashboardOptions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace BatchGen.DatabaseTests.Dashboard;

/// <summary>The real dashboard on a test's database, on a port of its own; its files go to a folder of its own.</summary>
internal sealed partial class DashboardHost : IAsyncDisposable
{
    /// <summary>Collection of every class that starts a dashboard.</summary>
    /// <remarks>Hangfire keeps storage, activator and log provider in static fields: two dashboards in one process
    /// would use each other's.</remarks>
    public const string OneAtATime = "One dashboard at a time";

    private readonly WebApplication _app;

    private DashboardHost(WebApplication app, string folder)
    {
        _app = app;
        Folder = folder;
    }

    /// <summary>The system's time, by which the database and Hangfire go too.</summary>
    public static DateTimeOffset Now => TimeProvider.System.GetUtcNow();

    public string Folder { get; }

    public IServiceProvider Services => _app.Services;

    /// <summary>Starts a dashboard; times are UTC, and recurring work runs only where a test asks for it.</summary>
    /// <param name="database">The database.</param>
    /// <param name="configure">Changes settings.</param>
    /// <param name="clock">What the dashboard takes for the time; without one the system's.</param>
    /// <param name="log">Receives warnings and errors; without one nothing is logged.</param>
    public static async Task<DashboardHost> StartAsync(
        TestDatabase database, Action<DashboardOptions>? configure = null, TimeProvider? clock = null, ILoggerProvider? log = null)
    {
        var folder = Directory.CreateTempSubdirectory("batchgen-dashboard-").FullName;
        var options = new DashboardOptions { Url = "http://127.0.0.1:0", TimeZone = "UTC", RunRecurringWork = false };
        configure?.Invoke(options);
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Logging.SetMinimumLevel(log is null ? LogLevel.None : LogLevel.Warning);
        if (log is not null) builder.Logging.AddProvider(log);
        builder.WebHost.UseKestrelCore().UseUrls(options.Url);
        builder.Services.AddSingleton(clock ?? TimeProvider.System).AddRouting()
            .AddQueue(database.ConnectionString, database.Queue.Options)
            .AddDashboard(options, FoldersIn(folder), database.ConnectionString)
            .AddSingleton<ThumbnailEncoder>(ImageEncoder.Thumbnail);
        var app = builder.Build();
        CoversRouteAttribute.Watch(app);
        await app.UseDashboardAsync(CancellationToken.None);
        await app.StartAsync();
        return new DashboardHost(app, folder);
    }

    /// <summary>Where the dashboard listens.</summary>
    public Uri Address => new(_app.Urls.First());

    /// <summary>A client, with a key of a role where one is named.</summary>
    public async Task<HttpClient> ClientAsync(string? role = null, string? tenant = null)
    {
        var client = new HttpClient { BaseAddress = Address };
        if (role is null) return client;
        var key = ApiKey.Make();
        await Services.GetRequiredService<AccessStore>()
            .AddKeyAsync(Guid.NewGuid().ToString("N"), ApiKey.Hash(key), role, tenant, CancellationToken.None);
        client.DefaultRequestHeaders.Authorization = new("Bearer", key);
        return client;
    }

    /// <summary>Posts a form as a browser does: with the token of the page it stands on.</summary>
    public static async Task<HttpResponseMessage> PostFormAsync(
        HttpClient client, string page, string path, params (string Name, string Value)[] fields)
    {
        using var form = Form(await FormTokenAsync(client, page), fields);
        return await client.PostAsync(path, form);
    }

    /// <summary>The token of a page's forms; its cookie stays with the client.</summary>
    public static async Task<string> FormTokenAsync(HttpClient client, string page) =>
        TokenForm().Match(await client.GetStringAsync(page)).Groups["token"].Value;

    /// <summary>A form with a token.</summary>
    public static FormUrlEncodedContent Form(string token, params (string Name, string Value)[] fields) =>
        new(fields.Select(field => KeyValuePair.Create(field.Name, field.Value)).Append(new("__RequestVerificationToken", token)));

    /// <summary>When Hangfire means to run each recurring work next.</summary>
    public Dictionary<string, DateTime> NextRuns()
    {
        using var connection = Services.GetRequiredService<JobStorage>().GetConnection();
        return connection.GetRecurringJobs().ToDictionary(job => job.Id, job => job.NextExecution!.Value, StringComparer.Ordinal);
    }

    /// <summary>Makes a recurring work overdue, as a night without Hangfire does; it last ran eight days before, so that a
    /// weekly one is due too.</summary>
    public void MakeOverdue(string name, TimeSpan since)
    {
        using var connection = (JobStorageConnection)Services.GetRequiredService<JobStorage>().GetConnection();
        using var transaction = connection.CreateWriteTransaction();
        var due = DashboardHost.Now.UtcDateTime - since;
        transaction.SetRangeInHash("recurring-job:" + name, [new("NextExecution", JobHelper.SerializeDateTime(due)),
            new("LastExecution", JobHelper.SerializeDateTime(due - TimeSpan.FromDays(8)))]);
        transaction.AddToSet("recurring-jobs", name, JobHelper.ToTimestamp(due));
        transaction.Commit();
    }

    /// <summary>How often Hangfire finished each method.</summary>
    public Dictionary<string, int> Runs() => Services.GetRequiredService<JobStorage>().GetMonitoringApi().SucceededJobs(0, 1000)
        .GroupBy(pair => pair.Value.Job.Method.Name, StringComparer.Ordinal)
        .ToDictionary(group => group.Key, group => group.Count(), StringComparer.Ordinal);

    /// <summary>Waits until Hangfire finished each method at least once; says what stands in the way when it does not.</summary>
    public async Task UntilRunAsync(IReadOnlyList<string> methods)
    {
        try
        {
            await Wait.UntilAsync($"Hangfire has run {string.Join(", ", methods)}", () => methods.All(Runs().ContainsKey));
        }
        catch (TimeoutException)
        {
            var monitor = Services.GetRequiredService<JobStorage>().GetMonitoringApi();
            var retried = monitor.ScheduledJobs(0, 100).Select(pair => monitor.JobDetails(pair.Key)).SelectMany(details => details.History)
                .Where(state => state.StateName == "Failed").Select(state => state.Data["ExceptionDetails"]);
            var now = monitor.GetStatistics();
            Xunit.Assert.Fail($"Finished: {string.Join(", ", Runs().Keys)}; {now.Servers} servers, {now.Enqueued} waiting, "
                + $"{now.Processing} running; failed: {string.Join('\n', retried)}");
        }
    }

    /// <summary>Stops the dashboard; its services can still be asked.</summary>
    public Task StopAsync() => _app.StopAsync();

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
        if (Directory.Exists(Folder)) Directory.Delete(Folder, recursive: true);
    }

    private static DashboardFolders FoldersIn(string folder) => new(
        Path.Combine(folder, "images"),
        Path.Combine(folder, "start-images"),
        Path.Combine(folder, "keys"),
        Path.Combine(folder, "reports"),
        Path.Combine(folder, "thumbnails"));

    [GeneratedRegex("name=\"__RequestVerificationToken\" value=\"(?<token>[^\"]+)\"", RegexOptions.ExplicitCapture)]
    private static partial Regex TokenForm();
}
