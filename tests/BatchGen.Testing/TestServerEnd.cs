namespace BatchGen.Testing;

/// <summary>Fixture of a test assembly: stops the private server when all tests have run.</summary>
/// <remarks>The runner ends a process that takes more than ten seconds to exit, which a busy machine may need to stop a server.</remarks>
public sealed class TestServerEnd : IAsyncDisposable
{
    /// <inheritdoc/>
    public async ValueTask DisposeAsync() => await TestServer.EndAsync();
}
