using BatchGen.Worker.Devices;
using Xunit;

namespace BatchGen.UnitTests.Worker;

public sealed class DeviceThreadTests
{
    [Fact]
    public async Task All_work_runs_on_one_thread_and_its_callers_resume_on_another()
    {
        using var thread = new DeviceThread("test");
        var first = await thread.RunAsync(() => Environment.CurrentManagedThreadId);
        Assert.NotEqual(first, Environment.CurrentManagedThreadId);
        var second = await thread.RunAsync(() => Environment.CurrentManagedThreadId);
        Assert.Equal(first, second);
    }

    [Fact]
    public async Task An_exception_reaches_the_caller_and_the_thread_goes_on()
    {
        using var thread = new DeviceThread("test");
        var error = await Assert.ThrowsAsync<InvalidOperationException>(
            () => thread.RunAsync(() => throw new InvalidOperationException("x")));
        Assert.Equal("x", error.Message);
        Assert.Equal(5, await thread.RunAsync(() => 5));
    }

    [Fact]
    public async Task Cancelled_work_reaches_the_caller_as_a_cancellation()
    {
        using var thread = new DeviceThread("test");
        using var stop = new CancellationTokenSource();
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => thread.RunAsync(() => stop.Token.ThrowIfCancellationRequested()));
    }
}
