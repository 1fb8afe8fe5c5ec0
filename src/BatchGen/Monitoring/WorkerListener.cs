using System.Net;
using System.Security.Cryptography;
using System.Text;
using BatchGen.Composition;
using BatchGen.Dashboard.Security;
using BatchGen.Worker.Monitoring;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OpenTelemetry.Metrics;

namespace BatchGen.Monitoring;

/// <summary>Answers <c>/healthz</c>, <c>/readyz</c> and <c>/metrics</c> of a worker.</summary>
/// <remarks>A port that is taken costs nobody a night: the worker renders, and the listener tries again.</remarks>
internal sealed class WorkerListener(
    string url, string token, WorkerHealth health, MeterProvider metrics, TimeProvider clock, ILogger<WorkerListener> log)
    : BackgroundService
{
    private const string Bearer = "Bearer ";
    private static readonly TimeSpan RetryInterval = TimeSpan.FromSeconds(15);

    /// <summary>Checks the settings.</summary>
    /// <exception cref="CommandException">The address cannot be used.</exception>
    public static void Check(string url, string token)
    {
        if (FindProblem(url, token) is { } problem) throw CommandException.BadInput($"BatchGen:Worker:HealthUrl {problem}");
    }

    /// <summary>What is wrong with an address: it is none of http, or others reach it and would need no token.</summary>
    /// <returns>Null when it can be used.</returns>
    public static string? FindProblem(string url, string token) => ListenAddress.Reach(url) switch
    {
        null => $"'{url}' is not an address such as http://127.0.0.1:9464.",
        _ when BindingAddress.Parse(url).Scheme == Uri.UriSchemeHttps =>
            $"'{url}' begins with https, and a worker has no certificate to answer with. "
            + "Use http; where others have to read it over TLS, put a reverse proxy in front.",
        false when token.Length == 0 =>
            $"'{url}' can be reached from other machines, and everybody could read the metrics. "
            + "Set BatchGen:Monitoring:MetricsToken, or listen on http://127.0.0.1:9464.",
        _ => null,
    };

    /// <summary>The address of one of several workers of a machine: each takes the next port.</summary>
    /// <param name="url">The address of the first; empty is nobody's.</param>
    /// <param name="number">Number of the worker, from 1.</param>
    public static string UrlOf(string url, int number)
    {
        if (url.Length == 0 || number == 1 || ListenAddress.Reach(url) is null) return url;
        var address = BindingAddress.Parse(url);
        return $"{address.Scheme}://{address.Host}:{(address.Port == 0 ? 0 : address.Port + number - 1)}";
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await using var app = Build();
                await app.StartAsync(stoppingToken);
                log.ListenerStarted(string.Join(", ", app.Urls));
                await app.WaitForShutdownAsync(stoppingToken);
                return;
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
#pragma warning disable CA1031 // Whatever it was, the worker works without it.
            catch (Exception error)
#pragma warning restore CA1031
            {
                log.ListenerFailed(url, RetryInterval.TotalSeconds, error.Message);
            }

            await Task.Delay(RetryInterval, clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private WebApplication Build()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { EnvironmentName = Environments.Production });
        builder.WebHost.UseKestrelCore().UseUrls(url);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            // Nothing that is asked here has a body, and few ask.
            kestrel.Limits.MaxRequestBodySize = 0;
            kestrel.Limits.MaxConcurrentConnections = 100;
        });
        builder.Services.AddSingleton<IHostLifetime, CommandLifetime>();
        var app = builder.Build();
        HealthPages.Use(app, health.ReadAsync);
        app.Use(async (context, next) =>
        {
            context.Response.StatusCode = MayRead(context, token) ? StatusCodes.Status404NotFound : StatusCodes.Status401Unauthorized;
            if (context.Response.StatusCode == StatusCodes.Status401Unauthorized) context.Response.Headers.WWWAuthenticate = "Bearer";
            else await next(context);
        });
        app.UseOpenTelemetryPrometheusScrapingEndpoint(
            metrics, predicate: null, "/metrics", configureBranchedPipeline: null, optionsName: null);
        app.Run(_ => Task.CompletedTask);
        return app;
    }

    // Without a token this machine alone may read, and under a name of its own, so that no page of another site can (DNS rebinding).
    internal static bool MayRead(HttpContext context, string token)
    {
        if (token.Length > 0)
        {
            var given = context.Request.Headers.Authorization.ToString();
            return given.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase) && CryptographicOperations.FixedTimeEquals(
                SHA256.HashData(Encoding.UTF8.GetBytes(given[Bearer.Length..].Trim())), SHA256.HashData(Encoding.UTF8.GetBytes(token)));
        }

        return context.Connection.RemoteIpAddress is { } address && IPAddress.IsLoopback(address)
            && ListenAddress.IsThisMachine(context.Request.Host.Host);
    }
}
