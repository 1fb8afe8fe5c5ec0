using BatchGen.Testing;

namespace BatchGen.FuzzTests.Guided;

/// <summary>Ends the process when one input does not come back, since a thread that hangs cannot be stopped.</summary>
internal sealed class HangWatch : IDisposable
{
    private readonly string _target;
    private readonly TimeSpan _limit;
    private readonly Timer _timer;
    private volatile byte[]? _input;
    private byte[]? _seen;

    public HangWatch(string target, TimeSpan limit)
    {
        (_target, _limit) = (target, limit);
        _timer = new Timer(_ => Look(), null, limit, limit);
    }

    /// <summary>Notes the input that runs next.</summary>
    public void Begin(byte[] input) => _input = input;

    public void Dispose() => _timer.Dispose();

    private void Look()
    {
        var input = _input;
        if (input is null || input != _seen)
        {
            _seen = input;
            return;
        }

        var file = FindingFile.Write(Path.Combine(RepositoryPaths.Root, "out", "fuzz", "findings"), _target, input);
        Environment.FailFast(
            $"{_target}: an input of {input.Length} bytes ran for more than {_limit.TotalSeconds:0} s. It is kept in {file}.");
    }
}
