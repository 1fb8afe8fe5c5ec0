using BatchGen.Dashboard.Images;
using BatchGen.Dashboard.Live;
using BatchGen.Dashboard.Pages;
using BatchGen.Dashboard.Reports;
using BatchGen.Dashboard.Security;
using BatchGen.Queue;
using BatchGen.Queue.Campaigns;
using BatchGen.Queue.Claims;
using BatchGen.Queue.Jobs;
using BatchGen.Queue.Reports;
using BatchGen.Queue.Schedules;
using BatchGen.Queue.Upkeep;
using BatchGen.Queue.Workers;
using Hangfire;
using Hangfire.Dashboard;
using Hangfire.PostgreSql;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace BatchGen.Dashboard.Scheduling;

/// <summary>Hangfire: storage in the same database under its own schema, its server in this process, its pages behind our login.</summary>
internal static class SchedulingServices
{
    private const string PagesPath = "/hangfire";

    // Everything it runs is short; two at a time are plenty.
    private const int Threads = 2;

    private static readonly TimeSpan PollInterval = TimeSpan.FromSeconds(5);

    // A server that runs keeps extending its claim on what it does; after this long another takes over what one that ended had begun.
    private static readonly TimeSpan TakeoverDelay = TimeSpan.FromMinutes(5);

    /// <summary>Adds Hangfire, and the work that it runs.</summary>
    public static void Add(IServiceCollection services, DashboardOptions options, string connectionString)
    {
        services.AddHangfire((provider, configuration) =>
        {
            configuration.SetDataCompatibilityLevel(CompatibilityLevel.Version_180).UseSimpleAssemblyNameTypeSerializer()
                .UseRecommendedSerializerSettings()
                .UsePostgreSqlStorage(
                    storage => storage.UseNpgsqlConnection(ConnectionPools.Limit(connectionString, ConnectionPools.OfRecurringWork)),
                    new PostgreSqlStorageOptions
                    {
                        SchemaName = SchemaFor(provider.GetRequiredService<QueueDatabase>().Options.Schema),
                        QueuePollInterval = PollInterval,
                        InvisibilityTimeout = TakeoverDelay,
                        UseSlidingInvisibilityTimeout = true,
                    });
            AddMetrics(configuration);
        });
        if (options.RunRecurringWork)
        {
            services.AddHangfireServer(server =>
            {
                server.WorkerCount = Threads;
                server.ServerName = "batchgen";
                server.SchedulePollingInterval = PollInterval;
            });
        }

        AddWork(services, options);
    }

    /// <summary>Hangfire's schema beside the queue's: two queues in one database must not run each other's work.</summary>
    internal static string SchemaFor(string queueSchema) => queueSchema == "batchgen" ? "hangfire" : queueSchema + "_hangfire";

    /// <summary>Maps Hangfire's pages. Without a policy they would admit whatever comes from this machine, a
    /// reverse proxy included.</summary>
    public static void Map(WebApplication app)
    {
        // Hangfire's pages ask for our numbers in a call that cannot wait, so the numbers are read before; open
        // pages share them for a second.
        app.UseWhen(context => context.Request.Path.StartsWithSegments(PagesPath), pages => pages.Use(async (context, next) =>
        {
            context.Features.Set(await context.RequestServices.GetRequiredService<LiveSource>().GetAsync(context.RequestAborted));
            await next(context);
        }));
        HangfireRequests.UseCheck(app, PagesPath);
        app.MapHangfireDashboardWithAuthorizationPolicy(Policies.See, PagesPath, new Hangfire.DashboardOptions
        {
            AppPath = "/",
            DashboardTitle = "BatchGen: recurring work",
            DisplayStorageConnectionString = false,
            IsReadOnlyFunc = context => !context.GetHttpContext().User.IsInRole(Roles.Operator),
        });
    }

    // The constructors of the work are internal, because the queue's parts that they take are no concern of Hangfire.
    private static void AddWork(IServiceCollection services, DashboardOptions options)
    {
        services.AddSingleton<ReportCollector>().AddSingleton<ReportFiles>().AddSingleton<ReportWebhook>();
        services.AddSingleton(provider => new RecurringWork(
            provider.GetRequiredService<BatchClaims>(),
            provider.GetRequiredService<JobSubmitter>(),
            provider.GetRequiredService<ScheduleStore>(),
            provider.GetRequiredService<ReportCollector>(),
            provider.GetRequiredService<ReportFiles>(),
            provider.GetRequiredService<ReportWebhook>(),
            provider.GetRequiredService<DisplayFormat>(),
            provider.GetRequiredService<ILogger<RecurringWork>>()));
        services.AddSingleton(provider => new EndedCampaignWork(
            provider.GetRequiredService<EndedCampaigns>(),
            provider.GetRequiredService<ReportCollector>(),
            provider.GetRequiredService<ReportWebhook>(),
            provider.GetRequiredService<IBackgroundJobClient>()));
        services.AddSingleton(provider => new UpkeepWork(
            provider.GetRequiredService<QueueUpkeep>(),
            provider.GetRequiredService<ImageFolderSweep>(),
            provider.GetRequiredService<StartImageSweep>(),
            provider.GetRequiredService<WorkerRegistry>(),
            provider.GetRequiredService<ThumbnailStore>(),
            provider.GetRequiredService<DashboardFolders>(),
            options,
            provider.GetRequiredService<ILogger<UpkeepWork>>()));
        services.AddSingleton<Recurring>();
        services.AddHostedService(provider => provider.GetRequiredService<Recurring>());
    }

    private static void AddMetrics(IGlobalConfiguration configuration)
    {
        Add("batchgen:waiting", "Jobs waiting", snapshot => snapshot.Counts.Queued);
        Add("batchgen:running", "Jobs running", snapshot => snapshot.Counts.Running);
        Add("batchgen:failed", "Jobs failed", snapshot => snapshot.Counts.Failed);
        NavigationMenu.Items.Add(_ => new MenuItem("Tonight", "/"));
        NavigationMenu.Items.Add(_ => new MenuItem("Queue", "/queue"));
        NavigationMenu.Items.Add(_ => new MenuItem("Campaigns", "/campaigns"));

        void Add(string id, string title, Func<LiveSnapshot, long> value) => configuration.UseDashboardMetric(new DashboardMetric(
            id, title, page => page.Context.GetHttpContext().Features.Get<LiveSnapshot>() is { } snapshot ? new Metric(value(snapshot))
                : new Metric("–")));
    }
}
