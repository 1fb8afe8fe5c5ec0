using System.Threading.Channels;
using BatchGen.Dashboard.Live;
using Microsoft.Extensions.Time.Testing;

namespace BatchGen.UnitTests.Dashboard;

public sealed class SignOfLifeTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    [Fact]
    public async Task A_stream_is_pinged_when_a_listener_was_sent_nothing_for_twenty_seconds_and_not_before()
    {
        var (source, clock) = (Channel.CreateUnbounded<string>(), new FakeTimeProvider());
        var events = source.Reader.ReadAllAsync(Stop).WithPingsAsync("ping", clock, Stop).GetAsyncEnumerator(Stop);
        for (var round = 0; round < 2; round++)
        {
            var next = events.MoveNextAsync().AsTask();
            clock.Advance(SignOfLife.LongestSilence - Second);
            Assert.False(next.IsCompleted);
            clock.Advance(Second);
            Assert.True(await next);
            Assert.Equal("ping", events.Current);
        }

        // An event begins the silence anew.
        var ended = events.MoveNextAsync().AsTask();
        clock.Advance(SignOfLife.LongestSilence - Second);
        Assert.True(source.Writer.TryWrite("ended"));
        Assert.True(await ended);
        Assert.Equal("ended", events.Current);
        var ping = events.MoveNextAsync().AsTask();
        clock.Advance(SignOfLife.LongestSilence - Second);
        Assert.False(ping.IsCompleted);
        clock.Advance(Second);
        Assert.True(await ping);
        Assert.Equal("ping", events.Current);

        source.Writer.Complete();
        Assert.False(await events.MoveNextAsync());
        await events.DisposeAsync();
    }

    [Fact]
    public async Task A_listener_that_leaves_in_a_silence_ends_the_stream_below()
    {
        var ended = new TaskCompletionSource();
        var clock = new FakeTimeProvider();
        var events = SilentAsync(ended).WithPingsAsync("ping", clock, Stop).GetAsyncEnumerator(Stop);
        var next = events.MoveNextAsync().AsTask();
        clock.Advance(SignOfLife.LongestSilence);
        Assert.True(await next);
        await events.DisposeAsync();
        Assert.True(ended.Task.IsCompletedSuccessfully);
    }

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private static async IAsyncEnumerable<string> SilentAsync(
        TaskCompletionSource ended, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        try
        {
            await Task.Delay(Timeout.Infinite, cancellationToken);
            yield return "never";
        }
        finally
        {
            ended.SetResult();
        }
    }
}
