using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using BatchGen.Chaos.Faults;
using BatchGen.Chaos.Files;
using BatchGen.Chaos.Jobs;
using BatchGen.Chaos.Network;
using BatchGen.Chaos.Processes;
using BatchGen.Chaos.Servers;

namespace BatchGen.Chaos;

/// <summary>Everything that a run strikes: servers, links, files, workers; made anew for each run and removed after it.</summary>
internal sealed class Stage : IAsyncDisposable
{
    private const UnixFileMode Enterable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
        | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    private readonly ConcurrentQueue<WorkerExit> _others = [];
    private readonly string _folder;
    private readonly TcpProxy[][] _links;

    private Stage(ChaosOptions options, TimeProvider clock, string folder, ServerClock serverClock, ServerPair servers, ImageDisk images)
    {
        (Options, Clock, _folder, ServerClock, Servers, Images) = (options, clock, folder, serverClock, servers, images);
        Models = ModelFiles.Copy(ModelFolderOf(options), Path.Combine(folder, "models"), clock);
        _links = [.. Enumerable.Range(0, options.Workers).Select(_ =>
            servers.Nodes.Select(node => TcpProxy.Start(node.ConnectionString("batchgen"), clock)).ToArray())];
        Workers = [.. Enumerable.Range(0, options.Workers).Select(number => NewWorker(NameOf(number), NameOf(number), number))];
    }

    /// <summary>What the run does.</summary>
    public ChaosOptions Options { get; }

    /// <summary>Clock of this machine.</summary>
    public TimeProvider Clock { get; }

    /// <summary>The database servers.</summary>
    public ServerPair Servers { get; }

    /// <summary>The clock that they see.</summary>
    public ServerClock ServerClock { get; }

    /// <summary>The image folder.</summary>
    public ImageDisk Images { get; }

    /// <summary>The model and its adapters.</summary>
    public ModelFiles Models { get; }

    /// <summary>The worker processes.</summary>
    public IReadOnlyList<WorkerSlot> Workers { get; }

    /// <summary>For each worker, a link to each server.</summary>
    public IReadOnlyList<IReadOnlyList<TcpProxy>> Links => _links;

    /// <summary>Folder for logs and the report.</summary>
    public string LogFolder => Options.OutputFolder;

    /// <summary>How long a worker may take to end when it is asked to: its StopTimeout and what <c>batchgen up</c> adds to it.</summary>
    public static TimeSpan EndLimit => StopTimeout + TimeSpan.FromSeconds(20);

    /// <summary>How every worker process ended so far.</summary>
    public IReadOnlyList<WorkerExit> Exits => [.. Workers.SelectMany(worker => worker.Exits), .. _others];

    private static TimeSpan StopTimeout => TimeSpan.FromSeconds(15);

    private string DataFolder => Path.Combine(_folder, "data");

    /// <summary>Makes servers, files and links, and registers model and adapters; no worker runs yet.</summary>
    public static async Task<Stage> CreateAsync(ChaosOptions options, TimeProvider clock, CancellationToken cancellationToken)
    {
        ModelFiles.Require(ModelFolderOf(options));
        var folder = Directory.CreateTempSubdirectory("batchgen-chaos-").FullName;
        ServerPair? servers = null;
        ImageDisk? images = null;
        Stage? stage = null;
        try
        {
            // The user as whom the servers run has to get to its folders.
            if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(folder, Enterable);
            Directory.CreateDirectory(Path.Combine(options.OutputFolder, "logs"));
            var serverClock = ServerClock.Create(folder);
            servers = await ServerPair.CreateAsync(folder, serverClock, cancellationToken);
            images = await ImageDisk.CreateAsync(Path.Combine(folder, "images"), clock);
            stage = new Stage(options, clock, folder, serverClock, servers, images);
            await stage.PrepareAsync(cancellationToken);
            return stage;
        }
        catch
        {
            if (stage is not null) await stage.DisposeAsync();
            else await RemoveAsync(folder, servers, images);
            throw;
        }
    }

    /// <summary>The adapter that a fault strikes.</summary>
    public string AdapterOf(Fault fault) => Models.Adapters[fault.Salt % Models.Adapters.Count];

    /// <summary>A further worker, which nobody keeps running yet.</summary>
    /// <param name="name">What it is called.</param>
    /// <param name="logName">What its log files are called.</param>
    /// <param name="link">Number of the worker whose links it uses.</param>
    public WorkerSlot NewWorker(string name, string logName, int link = 0) =>
        new(name, logName, Options.Program, Environment(name, link), Path.Combine(LogFolder, "logs"), Clock);

    /// <summary>Notes how the processes of a further worker ended.</summary>
    public void NoteExits(IEnumerable<WorkerExit> exits)
    {
        foreach (var exit in exits) _others.Enqueue(exit);
    }

    /// <summary>Variables of a worker process.</summary>
    /// <param name="name">Name of the worker, which its connections have too.</param>
    /// <param name="link">Number of the worker whose links it uses; the last has the driver's own time limits, the others short
    /// ones.</param>
    public Dictionary<string, string> Environment(string name, int link)
    {
        var address = Servers.ConnectionString([.. _links[link].Select(proxy => proxy.Port)], name)
            + (link < Options.Workers - 1 ? ";Timeout=4;Command Timeout=5" : ";Timeout=15;Command Timeout=30");
        return new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["BATCHGEN_HOME"] = Options.Program.HomeFolder,
            ["ConnectionStrings__BatchGen"] = address,
            ["BatchGen__DataFolder"] = DataFolder,
            ["BatchGen__Worker__ImageFolder"] = Images.Folder,
            ["BatchGen__Queue__LeaseDuration"] = Options.Lease.ToString("c", CultureInfo.InvariantCulture),
            ["BatchGen__Worker__HeartbeatInterval"] = (Options.Lease / 5).ToString("c", CultureInfo.InvariantCulture),
            ["BatchGen__Queue__PollInterval"] = "00:00:01",
            ["BatchGen__Queue__RetryDelay"] = "00:00:03",
            ["BatchGen__Queue__MaxRetryDelay"] = "00:00:20",
            ["BatchGen__Worker__OutputRetryInterval"] = "00:00:03",
            ["BatchGen__Worker__DeviceRetryInterval"] = "00:00:03",
            ["BatchGen__Worker__MaxFileRetryInterval"] = "00:00:05",
            ["BatchGen__Worker__ProbationInterval"] = "00:00:05",
            ["BatchGen__Worker__StopTimeout"] = StopTimeout.ToString("c", CultureInfo.InvariantCulture),
            ["BatchGen__Worker__CanaryEveryBatches"] = "25",
            ["BatchGen__Worker__CanarySteps"] = "2",
            ["OMP_NUM_THREADS"] = "1",
            ["OMP_WAIT_POLICY"] = "PASSIVE",
        };
    }

    /// <summary>Runs a command of the program to its end, with nothing between it and the servers.</summary>
    public async Task RunProgramAsync(IReadOnlyList<string> arguments, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(Options.Program.File, [.. Options.Program.First, .. arguments])
        {
            UseShellExecute = false, RedirectStandardError = true, RedirectStandardOutput = true, RedirectStandardInput = true,
        };
        ProgramStart.SetVariables(start, Environment("setup", 0));
        start.Environment["ConnectionStrings__BatchGen"] = Servers.ConnectionString([.. Servers.Nodes.Select(node => node.Port)], "setup");
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        var texts = await Task.WhenAll(
            process.StandardError.ReadToEndAsync(cancellationToken), process.StandardOutput.ReadToEndAsync(cancellationToken));
        await process.WaitForExitAsync(cancellationToken);
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"'batchgen {string.Join(' ', arguments)}' ended with {process.ExitCode}: {texts[0]}");
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        try
        {
            foreach (var link in _links.SelectMany(links => links)) await link.DisposeAsync();
            await Servers.DisposeAsync();
            Models.Dispose();
            foreach (var log in Directory.EnumerateFiles(_folder, "server.log", SearchOption.AllDirectories))
                File.Copy(log, Path.Combine(LogFolder, "logs", Path.GetFileName(Path.GetDirectoryName(log)!) + ".log"), overwrite: true);
        }
        finally
        {
            await RemoveAsync(_folder, Servers, Images);
        }
    }

    // Each step is done whatever became of the one before: servers and a mounted disk would outlive this process.
    private static async Task RemoveAsync(string folder, ServerPair? servers, ImageDisk? images)
    {
        try
        {
            if (servers is not null) await servers.DisposeAsync();
        }
        finally
        {
            if (images is not null) await images.DisposeAsync();
            Directory.Delete(folder, recursive: true);
        }
    }

    private static string ModelFolderOf(ChaosOptions options) => Path.Combine(options.Program.HomeFolder, "models");

    private async Task PrepareAsync(CancellationToken cancellationToken)
    {
        await RunProgramAsync(["migrate"], cancellationToken);
        await RunProgramAsync(["models", "add", Models.Model, "--name", "demo"], cancellationToken);
        await RunProgramAsync(["adapters", "add", .. Models.Adapters], cancellationToken);
        Directory.CreateDirectory(Path.Combine(DataFolder, "start-images"));
        File.Copy(Path.Combine(Models.Model, "preview.png"), Path.Combine(DataFolder, "start-images", Producer.StartImage));
        await Servers.ExecuteAsync("watch_changes", "batchgen", cancellationToken);
    }

    private static string NameOf(int number) => string.Create(CultureInfo.InvariantCulture, $"worker-{number}");
}
