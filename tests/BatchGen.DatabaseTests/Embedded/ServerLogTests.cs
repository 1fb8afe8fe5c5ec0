using BatchGen.Queue.Embedded;
using Xunit;

namespace BatchGen.DatabaseTests.Embedded;

/// <summary>The log of the private server is read as it is, and no link in it is followed.</summary>
public sealed class ServerLogTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("batchgen-log-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public async Task Files_of_the_log_are_read_and_links_in_the_place_of_them_and_of_their_folder_are_not_followed()
    {
        Assert.Equal("startedlogged", await ReadAsync(Home("plain")));

        var linked = Home("linked-files");
        foreach (var file in Directory.GetFiles(linked, "*.log", SearchOption.AllDirectories)) ReplaceByLink(file);
        Assert.Equal("", await ReadAsync(linked));

        var folder = Home("linked-folder");
        ReplaceByLink(Path.Combine(folder, "log"));
        Assert.Equal("started", await ReadAsync(folder));
    }

    private static Task<string> ReadAsync(string home) => new ServerLog(home, new ServerUser((string?)null))
        .ReadSinceAsync(new Dictionary<string, long>(), TestContext.Current.CancellationToken);

    private string Home(string name)
    {
        var home = Path.Combine(_root, name);
        Directory.CreateDirectory(Path.Combine(home, "log"));
        File.WriteAllText(Path.Combine(home, "server.log"), "started");
        File.WriteAllText(Path.Combine(home, "log", "server-1.log"), "logged");
        return home;
    }

    private static void ReplaceByLink(string path)
    {
        Directory.Move(path, path + "-away");
        File.CreateSymbolicLink(path, path + "-away");
    }
}
