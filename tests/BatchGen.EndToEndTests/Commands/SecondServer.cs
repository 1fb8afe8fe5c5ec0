using BatchGen.Queue.Embedded;
using BatchGen.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace BatchGen.EndToEndTests.Commands;

/// <summary>A private server of its own, with nothing in it.</summary>
internal sealed class SecondServer(string folder, EmbeddedPostgres server) : IAsyncDisposable
{
    public string ConnectionString => server.ConnectionString;

    public async Task<string> SuperUserAddressAsync() => new NpgsqlConnectionStringBuilder(server.ConnectionString)
    {
        Username = "postgres", Pooling = false,
        Password = (await File.ReadAllTextAsync(Path.Combine(folder, "superuser.password"))).Trim(),
    }.ConnectionString;

    public async Task AsSuperUserAsync(string statement, string database = "postgres")
    {
        var address = new NpgsqlConnectionStringBuilder(await SuperUserAddressAsync()) { Database = database };
        await using var connection = new NpgsqlConnection(address.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(statement, connection);
        await command.ExecuteNonQueryAsync();
    }

    public static async Task<SecondServer> StartAsync()
    {
        var folder = Path.Combine(Path.GetTempPath(), "batchgen-second-" + Guid.NewGuid().ToString("N")[..8]);
        return new SecondServer(folder, await EmbeddedPostgres.StartAsync(
            folder, new EmbeddedPostgresOptions { Fsync = false }, NullLogger.Instance, CancellationToken.None));
    }

    public async ValueTask DisposeAsync()
    {
        await server.DisposeAsync();
        await EmbeddedCluster.RemoveAsync(folder, CancellationToken.None);
    }
}
