using System.Globalization;
using BatchGen.Queue.Embedded;
using BatchGen.Testing;
using Xunit;

namespace BatchGen.DatabaseTests.Embedded;

/// <summary>Programs of the server that are run to their end.</summary>
public sealed class ProgramsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("batchgen-programs-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_cancelled_call_returns_once_the_program_and_those_it_started_have_ended()
    {
        var file = Path.Combine(_folder, "process");
        using var cancel = new CancellationTokenSource();
        var script = $"sleep 300 & echo $! > '{file}.new'; mv '{file}.new' '{file}'; wait";
        var running = Programs.TryRunAsync("sh", ["-c", script], cancel.Token);
        await Wait.UntilAsync(
            "the program has started another one", () => Task.FromResult(File.Exists(file)), there => there,
            cancellationToken: TestContext.Current.CancellationToken);
        var child = int.Parse(await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken), CultureInfo.InvariantCulture);

        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        await Wait.UntilAsync(
            "nothing of it runs", () => Task.FromResult(Runs(child)), runs => !runs,
            cancellationToken: TestContext.Current.CancellationToken);
    }

    // A process that nobody has waited for yet is a zombie, which runs no more.
    private static bool Runs(int process)
    {
        var file = $"/proc/{process}/status";
        try
        {
            return !File.ReadAllText(file).Contains("State:\tZ", StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return false;
        }
    }
}
