using BatchGen.Dashboard.Live;
using BatchGen.Dashboard.Pages;
using BatchGen.Dashboard.Pages.Gallery;
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

    // A server that lives keeps extending its claim on what it runs; what a dead one had is taken up by the next after this long.
    private static readonly TimeSpan Abandoned = TimeSpan.FromMinutes(5);

    /// <summary>Adds it.</summary>
    public static void Add(IServiceCollection services, DashboardOptions options, string connectionString)
    {
        services.AddHangfire((provider, configuration) =>
        {
            configuration.SetDataCompatibilityLevel(CompatibilityLevel.Version_180).UseSimpleAssemblyNameTypeSerializer().UseRecommendedSerializerSettings()
                .UsePostgreSqlStorage(
                    storage => storage.UseNpgsqlConnection(connectionString),
                    new PostgreSqlStorageOptions
                    {
                        SchemaName = SchemaFor(provider.GetRequiredService<QueueDatabase>().Options.Schema), QueuePollInterval = TimeSpan.FromSeconds(5), InvisibilityTimeout = Abandoned,
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
                server.SchedulePollingInterval = TimeSpan.FromSeconds(5);
            });
        }

        services.AddSingleton<ReportWriter>();
        services.AddSingleton<ReportWebhook>();
        services.AddSingleton(provider => new RecurringWork(
            provider.GetRequiredService<BatchClaims>(), provider.GetRequiredService<JobSubmitter>(), provider.GetRequiredService<ScheduleStore>(), provider.GetRequiredService<ReportWriter>(),
            provider.GetRequiredService<ReportWebhook>(), provider.GetRequiredService<DashboardFolders>(), provider.GetRequiredService<Show>(),
            provider.GetRequiredService<ILogger<RecurringWork>>()));
        services.AddSingleton(provider => new EndedCampaignWork(
            provider.GetRequiredService<EndedCampaigns>(), provider.GetRequiredService<ReportWriter>(), provider.GetRequiredService<ReportWebhook>(),
            provider.GetRequiredService<IBackgroundJobClient>()));
        services.AddSingleton(provider => new UpkeepWork(
            provider.GetRequiredService<QueueUpkeep>(), provider.GetRequiredService<WorkerRegistry>(), provider.GetRequiredService<ThumbnailStore>(), options,
            provider.GetRequiredService<ILogger<UpkeepWork>>()));
        services.AddSingleton<Recurring>();
        services.AddHostedService(provider => provider.GetRequiredService<Recurring>());
    }

    /// <summary>Hangfire's schema beside the queue's: two queues in one database must not run each other's work.</summary>
    internal static string SchemaFor(string queueSchema) => queueSchema == "batchgen" ? "hangfire" : queueSchema + "_hangfire";

    /// <summary>Maps its pages. Without a policy it would admit whatever comes from this machine, a reverse proxy included.</summary>
    public static void Map(WebApplication app)
    {
        // Its pages ask for our numbers in a call that cannot wait, so they are read before; open pages share them for a second.
        app.UseWhen(context => context.Request.Path.StartsWithSegments(PagesPath), pages => pages.Use(async (context, next) =>
        {
            context.Features.Set(await context.RequestServices.GetRequiredService<LiveSource>().GetAsync(context.RequestAborted));
            await next(context);
        }));
        app.MapHangfireDashboardWithAuthorizationPolicy(Policies.See, PagesPath, new Hangfire.DashboardOptions
        {
            AppPath = "/",
            DashboardTitle = "BatchGen: recurring work",
            DisplayStorageConnectionString = false,
            IsReadOnlyFunc = context => !context.GetHttpContext().User.IsInRole(Roles.Operator),
        });
    }

    private static void AddMetrics(IGlobalConfiguration configuration)
    {
        (string Id, string Title, Func<LiveSnapshot, long> Value)[] metrics =
        [
            ("batchgen:waiting", "Jobs waiting", snapshot => snapshot.Counts.Queued),
            ("batchgen:running", "Jobs running", snapshot => snapshot.Counts.Running),
            ("batchgen:failed", "Jobs failed", snapshot => snapshot.Counts.Failed),
        ];
        foreach (var (id, title, value) in metrics)
            configuration.UseDashboardMetric(new DashboardMetric(id, title, page => page.Context.GetHttpContext().Features.Get<LiveSnapshot>() is { } snapshot ? new Metric(value(snapshot)) : new Metric("–")));
        foreach (var (text, address) in new[] { ("Tonight", "/"), ("Queue", "/queue"), ("Campaigns", "/campaigns") })
            NavigationMenu.Items.Add(_ => new MenuItem(text, address));
    }
}
