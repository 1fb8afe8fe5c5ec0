using BatchGen.Queue.Access;
using BatchGen.Queue.Campaigns;
using BatchGen.Queue.Canaries;
using BatchGen.Queue.Checkpoints;
using BatchGen.Queue.Claims;
using BatchGen.Queue.Jobs;
using BatchGen.Queue.Migrations;
using BatchGen.Queue.Registry;
using BatchGen.Queue.Reports;
using BatchGen.Queue.Schedules;
using BatchGen.Queue.Signals;
using BatchGen.Queue.Upkeep;
using BatchGen.Queue.Workers;
using Microsoft.Extensions.DependencyInjection;

namespace BatchGen.Queue;

/// <summary>Composition of the queue.</summary>
public static class QueueServices
{
    /// <summary>Adds every part of the queue on one connection pool.</summary>
    public static IServiceCollection AddQueue(this IServiceCollection services, string connectionString, QueueOptions options) => services
        .AddSingleton(_ => QueueDatabase.Open(connectionString, options))
        .AddSingleton<Migrator>()
        .AddSingleton<JobSubmitter>()
        .AddSingleton<JobCatalog>()
        .AddSingleton<JobActions>()
        .AddSingleton<JobChecker>()
        .AddSingleton<StartImageOwners>()
        .AddSingleton<BatchClaims>()
        .AddSingleton<CheckpointLog>()
        .AddSingleton<CanaryLog>()
        .AddSingleton<ModelRegistry>()
        .AddSingleton<AdapterRegistry>()
        .AddSingleton<TenantRegistry>()
        .AddSingleton<WorkerRegistry>()
        .AddSingleton<WorkSignal>()
        .AddSingleton<EndedJobs>()
        .AddSingleton<ImageCatalog>()
        .AddSingleton<QueueOverview>()
        .AddSingleton<StandstillFinder>()
        .AddSingleton<CampaignCatalog>()
        .AddSingleton<EndedCampaigns>()
        .AddSingleton<NightHistory>()
        .AddSingleton<JobHistory>()
        .AddSingleton<JobSearch>()
        .AddSingleton<CheckpointHistory>()
        .AddSingleton<AccessStore>()
        .AddSingleton<ScheduleStore>()
        .AddSingleton<WindowStore>()
        .AddSingleton<QueueUpkeep>()
        .AddSingleton<ImageFolderSweep>()
        .AddSingleton<StartImageSweep>();
}
