using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using BatchGen.EndToEndTests.Browser;
using BatchGen.Testing;
using Xunit;

namespace BatchGen.EndToEndTests.Proxies;

/// <summary>nginx or Caddy, running with its configuration file of <c>docker/proxy</c>, in which addresses, ports and the paths of the
/// certificate are replaced and nothing else.</summary>
internal sealed class ReverseProxy : IAsyncDisposable
{
    public const string Nginx = "nginx", Caddy = "caddy";

    private const string Host = "batch.example";

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private readonly string _folder = Directory.CreateTempSubdirectory("batchgen-proxy-").FullName;
    private readonly X509Certificate2 _certificate;
    private readonly int _plainPort, _port;
    private Process? _process;

    private ReverseProxy(int dashboardPort)
    {
        Relay = new Relay(dashboardPort);
        _plainPort = Site.FreePort();
        using var taken = new TcpListener(IPAddress.Loopback, _plainPort);
        taken.Start();
        _port = Site.FreePort();
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=" + Host, key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(Host);
        request.CertificateExtensions.Add(names.Build());
        var now = TimeProvider.System.GetUtcNow();
        _certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        File.WriteAllText(CertificateFile, _certificate.ExportCertificatePem());
        File.WriteAllText(KeyFile, key.ExportPkcs8PrivateKeyPem());
    }

    /// <summary>What browsers ask for.</summary>
    public string Address => $"https://{Host}:{_port}";

    /// <summary>The same without TLS.</summary>
    public string PlainAddress => $"http://{Host}:{_plainPort}";

    /// <summary>What the header Host holds when a browser asks for <see cref="Address"/>.</summary>
    public string Authority => $"{Host}:{_port}";

    /// <summary>What comes to the dashboard.</summary>
    public Relay Relay { get; }

    private string CertificateFile => Path.Combine(_folder, "certificate.pem");

    private string KeyFile => Path.Combine(_folder, "certificate.key");

    /// <summary>The program of a proxy; null where it is not installed and may be missing.</summary>
    public static string? Find(string name) => Array.Find(
        [$"/usr/sbin/{name}", $"/usr/bin/{name}", $"/usr/local/bin/{name}", Path.Combine(RepositoryPaths.Root, "out", "tools", name)],
        File.Exists);

    /// <summary>Starts a proxy in front of a dashboard.</summary>
    public static async Task<ReverseProxy> StartAsync(string name, string program, int dashboardPort)
    {
        var proxy = new ReverseProxy(dashboardPort);
        await proxy.StartAsync(name == Nginx ? proxy.NginxStart(program) : proxy.CaddyStart(program));
        return proxy;
    }

    /// <summary>A client whose connections come from an address of this machine.</summary>
    /// <param name="from">The address, such as 127.0.0.3.</param>
    /// <param name="http">The highest version of HTTP that it speaks.</param>
    public HttpClient Client(string from, Version? http = null)
    {
        var handler = new SocketsHttpHandler { AllowAutoRedirect = false, CookieContainer = new CookieContainer() };
        handler.SslOptions.CertificateChainPolicy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            CustomTrustStore = { _certificate },
            RevocationMode = X509RevocationMode.NoCheck,
        };
        handler.ConnectCallback = async (context, stop) =>
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            socket.Bind(new IPEndPoint(IPAddress.Parse(from), 0));
            await socket.ConnectAsync(IPAddress.Loopback, context.DnsEndPoint.Port, stop);
            return new NetworkStream(socket, ownsSocket: true);
        };
        return new HttpClient(handler)
        {
            BaseAddress = new Uri(Address),
            DefaultRequestVersion = http ?? HttpVersion.Version20,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionOrLower,
        };
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            if (!_process.HasExited) _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync();
            _process.Dispose();
        }

        await Relay.DisposeAsync();
        _certificate.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task StartAsync(ProcessStartInfo start)
    {
        (start.UseShellExecute, start.RedirectStandardOutput, start.RedirectStandardError) = (false, true, true);
        // Neither writes outside of the folder.
        foreach (var variable in (string[])["HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"]) start.Environment[variable] = _folder;
        var process = Process.Start(start)!;
        _process = process;
        var said = Task.WhenAll(process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        using var client = Client("127.0.0.1");
        await Wait.UntilAsync($"{start.FileName} answers", AnswersAsync, Limit, TestContext.Current.CancellationToken);

        async Task<bool> AnswersAsync()
        {
            if (process.HasExited) Assert.Fail($"{start.FileName} ended by itself:\n{string.Concat(await said)}");
            try
            {
                using var answer = await client.GetAsync("/healthz", TestContext.Current.CancellationToken);
                return answer.IsSuccessStatusCode;
            }
            catch (HttpRequestException)
            {
                return false; // It does not listen yet.
            }
        }
    }

    // The file is included inside of http { }, as it says itself. Debian's own file beside it switches gzip on.
    private ProcessStartInfo NginxStart(string program)
    {
        File.WriteAllText(Path.Combine(_folder, "batchgen.conf"), Shipped(
            "nginx.conf",
            ("listen 80;", $"listen 127.0.0.1:{_plainPort};"), ("listen [::]:80;", $"listen 127.0.0.2:{_plainPort};"),
            ("listen 443 ssl;", $"listen 127.0.0.1:{_port} ssl;"), ("listen [::]:443 ssl;", $"listen 127.0.0.2:{_port} ssl;"),
            ("/etc/ssl/batch.example.pem", CertificateFile), ("/etc/ssl/private/batch.example.key", KeyFile),
            ("http://127.0.0.1:5080;", $"http://127.0.0.1:{Relay.Port};")));
        var temporary = string.Join('\n', ((string[])["client_body", "proxy", "fastcgi", "uwsgi", "scgi"])
            .Select(kind => $"    {kind}_temp_path {_folder}/{kind};"));
        var main = Path.Combine(_folder, "nginx.conf");
        // One process, which keeps the rights of whoever runs the tests.
        File.WriteAllText(main, $$"""
            daemon off;
            master_process off;
            pid {{_folder}}/nginx.pid;
            error_log stderr;
            events { }
            http {
            {{temporary}}
                access_log off;
                gzip on;
                include {{_folder}}/batchgen.conf;
            }
            """);
        return new ProcessStartInfo(program, ["-p", _folder, "-c", main]);
    }

    // The certificate that Caddy would get from a public authority is given to it.
    private ProcessStartInfo CaddyStart(string program)
    {
        var options = $$"""
            {
                admin off
                http_port {{_plainPort}}
                https_port {{_port}}
                default_bind 127.0.0.1
            }

            """;
        var main = Path.Combine(_folder, "Caddyfile");
        File.WriteAllText(main, options + Shipped(
            "Caddyfile", ("\nbatch.example {\n", $"\nbatch.example {{\n\ttls {CertificateFile} {KeyFile}\n"),
            (" 127.0.0.1:5080 ", $" 127.0.0.1:{Relay.Port} ")));
        return new ProcessStartInfo(program, ["run", "--config", main, "--adapter", "caddyfile"]);
    }

    private static string Shipped(string name, params (string Old, string New)[] replaced)
    {
        var text = File.ReadAllText(Path.Combine(RepositoryPaths.Root, "docker", "proxy", name));
        foreach (var (old, by) in replaced)
        {
            Assert.Equal((old, 2), (old, text.Split(old).Length));
            text = text.Replace(old, by, StringComparison.Ordinal);
        }

        return text;
    }
}
