using System.Reflection;
using BatchGen.Core.Monitoring;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace BatchGen.Monitoring;

/// <summary>Sends metrics and traces where the settings say, and keeps metrics for whoever scrapes them.</summary>
internal static class TelemetryServices
{
    // The driver's spans stand inside of those of the worker; the web server's around those of the driver.
    private static readonly string[] Sources = [Telemetry.Name, "Npgsql", "Microsoft.AspNetCore"];

    /// <summary>Adds metrics, and traces where a collector is named: without one nobody would read them.</summary>
    /// <param name="services">The host's services.</param>
    /// <param name="options">Settings.</param>
    /// <param name="role">What the process does: <c>worker</c> or <c>dashboard</c>.</param>
    public static IServiceCollection AddTelemetry(this IServiceCollection services, MonitoringOptions options, string role)
    {
        var telemetry = services.AddOpenTelemetry()
            .ConfigureResource(resource => resource.AddService(
                $"batchgen-{role}", serviceVersion: Version(), serviceInstanceId: $"{Environment.MachineName}:{Environment.ProcessId}"))
            .WithMetrics(metrics =>
            {
                metrics.AddMeter(Telemetry.Name).AddPrometheusExporter();
                if (options.OtlpEndpoint.Length > 0) metrics.AddOtlpExporter(exporter => Configure(exporter, options, "v1/metrics"));
            });
        if (options.OtlpEndpoint.Length == 0) return services;
        telemetry.WithTracing(traces => traces
            .AddSource(Sources).AddOtlpExporter(exporter => Configure(exporter, options, "v1/traces")));
        return services;
    }

    private static void Configure(OtlpExporterOptions exporter, MonitoringOptions options, string path)
    {
        var overHttp = options.OtlpProtocol != "grpc";
        exporter.Protocol = overHttp ? OtlpExportProtocol.HttpProtobuf : OtlpExportProtocol.Grpc;
        // Over HTTP each signal has a path of its own, which the exporter leaves to whoever names the address.
        exporter.Endpoint = new Uri(overHttp ? $"{options.OtlpEndpoint.TrimEnd('/')}/{path}" : options.OtlpEndpoint);
    }

    private static string? Version() =>
        typeof(TelemetryServices).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0];
}
