using System.Collections.Concurrent;

namespace BatchGen.Worker.Devices;

/// <summary>The one thread that owns a device: everything torch does for a worker happens on it, in order.</summary>
/// <remarks>Dispose scopes are per thread, so no work item may await.</remarks>
internal sealed class DeviceThread : IDisposable
{
    private readonly BlockingCollection<Action> _work = [];
    private readonly Thread _thread;

    public DeviceThread(string name)
    {
        _thread = new Thread(Run) { Name = name, IsBackground = true };
        _thread.Start();
    }

    /// <summary>Runs work on the device thread; its exception comes back to the caller.</summary>
    public Task<T> RunAsync<T>(Func<T> work)
    {
        // Continuations must not run on the device thread, or an await would carry the loop onto it.
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        // What the caller works on goes along: lines that are logged and spans that are begun on the device thread belong to it.
        var context = ExecutionContext.Capture();
        _work.Add(() =>
        {
            if (context is null) Complete();
            else ExecutionContext.Run(context, _ => Complete(), null);
        });
        return done.Task;

        void Complete()
        {
            try
            {
                done.SetResult(work());
            }
            catch (OperationCanceledException canceled)
            {
                done.SetCanceled(canceled.CancellationToken);
            }
#pragma warning disable CA1031 // Every exception is handed to the caller, who decides.
            catch (Exception error)
            {
                done.SetException(error);
            }
#pragma warning restore CA1031
        }
    }

    /// <summary>Runs work on the device thread.</summary>
    public Task RunAsync(Action work) => RunAsync(() =>
    {
        work();
        return true;
    });

    /// <summary>Lets queued work finish and ends the thread.</summary>
    public void Dispose()
    {
        _work.CompleteAdding();
        if (Thread.CurrentThread != _thread) _thread.Join();
        _work.Dispose();
    }

    private void Run()
    {
        foreach (var work in _work.GetConsumingEnumerable()) work();
    }
}
