using System.Diagnostics;
using BatchGen.Chaos.Faults;

namespace BatchGen.Chaos.Files;

/// <summary>The image folder of a run: a small file system of its own where that can be made (Linux, as root), so that it can be full or
/// read-only.</summary>
internal sealed class ImageDisk : IAsyncDisposable
{
    private const string Size = "192m";
    private const UnixFileMode Writable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    // A file that a worker is just writing keeps a disk from becoming read-only.
    private const int MostTries = 100;
    private static readonly TimeSpan TryInterval = TimeSpan.FromMilliseconds(30);

    private readonly SemaphoreSlim _busy = new(1, 1);
    private readonly TimeProvider _clock;

    private ImageDisk(string folder, bool isMounted, TimeProvider clock) => (Folder, IsMounted, _clock) = (folder, isMounted, clock);

    /// <summary>Path of the folder.</summary>
    public string Folder { get; }

    /// <summary>Whether it is a file system of its own, which can be filled.</summary>
    public bool IsMounted { get; }

    /// <summary>Whether writing into it can be forbidden: permissions do not bind root.</summary>
    public bool CanBeReadOnly => IsMounted || !Environment.IsPrivilegedProcess;

    /// <summary>Makes the folder.</summary>
    public static async Task<ImageDisk> CreateAsync(string folder, TimeProvider clock)
    {
        Directory.CreateDirectory(folder);
        var isMounted = OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess
            && await RunAsync("mount", "-t", "tmpfs", "-o", $"size={Size},mode=0755", "batchgen-chaos", folder) == 0;
        return new ImageDisk(folder, isMounted, clock);
    }

    /// <summary>Leaves no room for a while.</summary>
    public async Task<string> FillAsync(TimeSpan time)
    {
        await _busy.WaitAsync();
        var filler = Path.Combine(Folder, "filler");
        try
        {
            await using (var file = new FileStream(filler, FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 0))
            {
                for (var piece = new byte[1 << 20]; piece.Length >= 1024;)
                {
                    try
                    {
                        await file.WriteAsync(piece);
                    }
                    catch (IOException)
                    {
                        piece = new byte[piece.Length / 2];
                    }
                }
            }

            await Task.Delay(time, _clock);
            return "ok";
        }
        finally
        {
            File.Delete(filler);
            _busy.Release();
        }
    }

    /// <summary>Lets nobody write for a while.</summary>
    public async Task<string> ForbidWritingAsync(TimeSpan time)
    {
        await _busy.WaitAsync();
        try
        {
            for (var tries = 1; !await TrySetAsync(isReadOnly: true); tries++)
            {
                if (tries == MostTries) return FaultKind.NotDone + "a file was being written all the time";
                await Task.Delay(TryInterval, _clock);
            }

            await Task.Delay(time, _clock);
            await TrySetAsync(isReadOnly: false);
            return "ok";
        }
        finally
        {
            _busy.Release();
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (IsMounted) await RunAsync("umount", "-l", Folder);
        _busy.Dispose();
    }

    private async Task<bool> TrySetAsync(bool isReadOnly)
    {
        if (IsMounted) return await RunAsync("mount", "-o", isReadOnly ? "remount,ro" : "remount,rw", Folder) == 0;
        foreach (var folder in (string[])[Folder, .. Directory.EnumerateDirectories(Folder)])
            if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(folder, isReadOnly ? Writable & ~UnixFileMode.UserWrite : Writable);
        return true;
    }

    private static async Task<int> RunAsync(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            UseShellExecute = false, RedirectStandardError = true, RedirectStandardOutput = true,
        };
        using var process = Process.Start(start)!;
        await Task.WhenAll(process.StandardError.ReadToEndAsync(), process.StandardOutput.ReadToEndAsync());
        await process.WaitForExitAsync();
        return process.ExitCode;
    }
}
