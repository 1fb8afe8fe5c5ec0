using System.Globalization;
using BatchGen.Queue;
using BatchGen.Queue.Embedded;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace BatchGen.DatabaseTests.Embedded;

/// <summary>Locks by which programs that use one private server know of each other.</summary>
public sealed class FileLocksTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("batchgen-locks-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_lock_that_another_keeps_ends_the_wait_with_an_error_that_names_file_and_holder()
    {
        var file = Path.Combine(_folder, "start.lock");
        Assert.True(FileLocks.TryLock(file, out var held));
        await using (held)
        {
            var error = await Assert.ThrowsAsync<QueueException>(() => LockAsync(file, TimeSpan.FromMilliseconds(200)));
            Assert.Contains(file, error.Message, StringComparison.Ordinal);
            if (await LockHolder.FindAsync(file, TestContext.Current.CancellationToken) is { } holder)
            {
                var expected = string.Create(CultureInfo.InvariantCulture, $"process {Environment.ProcessId} (");
                Assert.StartsWith(expected, holder, StringComparison.Ordinal);
                Assert.Contains(holder, error.Message, StringComparison.Ordinal);
            }
        }

        await (await LockAsync(file, TimeSpan.Zero)).DisposeAsync();
    }

    private static Task<FileStream> LockAsync(string file, TimeSpan limit) =>
        FileLocks.LockAsync(file, limit, NullLogger.Instance, TestContext.Current.CancellationToken);
}
