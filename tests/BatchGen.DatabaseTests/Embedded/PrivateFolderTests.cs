using System.Diagnostics;
using BatchGen.Queue;
using BatchGen.Queue.Embedded;
using BatchGen.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Xunit;

namespace BatchGen.DatabaseTests.Embedded;

/// <summary>Nobody else on the machine gets at the private server through its files, its socket or its locks.</summary>
public sealed class PrivateFolderTests(ClusterTemplate template) : IClassFixture<ClusterTemplate>, IAsyncLifetime
{
    private readonly string _folder = Path.Combine(Path.GetTempPath(), "batchgen-private-" + Guid.NewGuid().ToString("N")[..8]);

    private string Home => Path.Combine(_folder, "server");

    public async ValueTask InitializeAsync() => await RunAsync("cp", "-a", template.Folder, _folder);

    public async ValueTask DisposeAsync() => await EmbeddedCluster.RemoveAsync(_folder, CancellationToken.None);

    [Theory]
    [InlineData("server")]
    [InlineData("")]
    public async Task A_folder_that_others_can_write_to_is_refused_with_what_to_do(string which)
    {
        var path = Path.Combine(_folder, which).TrimEnd('/');
        await RunAsync("chmod", "o+w", path);
        await AssertRefusedAsync($"chmod go-w {path}");
        await RunAsync("chmod", "o-w", path);
    }

    [Theory]
    [InlineData("server")]
    [InlineData("")]
    public async Task A_folder_that_belongs_to_another_user_is_refused(string which)
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "Only root can give a folder to another user.");
        var path = Path.Combine(_folder, which).TrimEnd('/');
        var owner = await RunAsync("stat", "-c", "%u:%g", path);
        await RunAsync("chown", "54321", path);
        await AssertRefusedAsync($"The folder {path} belongs to user 54321");
        await RunAsync("chown", owner, path);
    }

    [Fact]
    public async Task A_link_in_the_place_of_the_servers_folder_is_refused_and_what_it_leads_to_keeps_its_owner()
    {
        var elsewhere = _folder + "-elsewhere";
        Directory.Move(Home, elsewhere);
        var owner = await RunAsync("stat", "-c", "%u", elsewhere);
        Directory.CreateSymbolicLink(Home, elsewhere);
        await AssertRefusedAsync($"{Home} is not a folder but a link");
        Assert.Equal(owner, await RunAsync("stat", "-c", "%u", elsewhere));
        File.Delete(Home);
        Directory.Move(elsewhere, Home);
    }

    [Fact]
    public async Task A_short_folder_of_the_socket_that_another_user_made_first_is_refused()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "Only root can give a folder to another user.");
        var folder = Path.Combine(_folder, string.Join('/', Enumerable.Repeat("a folder with a long name", 6)));
        string socket;
        await using (var server = await StartAsync(folder)) socket = new NpgsqlConnectionStringBuilder(server.ConnectionString).Host!;
        var owner = await RunAsync("stat", "-c", "%u:%g", socket);
        await RunAsync("chown", "54321", socket);
        var error = await Assert.ThrowsAsync<QueueException>(() => StartAsync(folder));
        Assert.Contains($"The folder {socket} belongs to user 54321", error.Message, StringComparison.Ordinal);
        await RunAsync("chown", owner, socket);
        await EmbeddedCluster.RemoveAsync(folder, CancellationToken.None);
    }

    [Fact]
    public async Task A_link_of_another_user_in_the_place_of_the_callers_folder_is_refused_and_one_of_its_own_is_followed()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "Only root can give a link to another user.");
        var link = _folder + "-link";
        Directory.CreateSymbolicLink(link, _folder);
        try
        {
            await using (await StartAsync(link)) { }
            await RunAsync("chown", "-h", "54321", link);
            var error = await Assert.ThrowsAsync<QueueException>(() => StartAsync(link));
            Assert.Contains($"The folder {link} belongs to user 54321", error.Message, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(link);
        }
    }

    [Fact]
    public async Task Files_of_the_server_are_written_as_its_user_who_cannot_make_root_write_through_a_link()
    {
        var victim = _folder + "-victim";
        await File.WriteAllTextAsync(victim, "untouched");
        var settings = Path.Combine(Home, "data", "batchgen.conf");
        File.Delete(settings);
        File.CreateSymbolicLink(settings, victim);
        try
        {
            await using (await StartAsync(_folder)) Assert.Equal("untouched", await File.ReadAllTextAsync(victim));
            Assert.Null(new FileInfo(settings).LinkTarget);
            Assert.Equal(await RunAsync("stat", "-c", "%u", Home), await RunAsync("stat", "-c", "%u", settings));
        }
        finally
        {
            File.Delete(victim);
        }
    }

    [Fact]
    public async Task Only_the_owner_can_open_locks_passwords_and_settings()
    {
        // As an older version left them.
        foreach (var name in (string[])["start.lock", "users.lock"]) await RunAsync("chmod", "644", Path.Combine(_folder, name));
        await using var server = await StartAsync(_folder);
        foreach (var name in (string[])["start.lock", "users.lock", "password", "superuser.password", "server/data/batchgen.conf"])
            Assert.Equal("600", await RunAsync("stat", "-c", "%a", Path.Combine(_folder, name)));
        Assert.Equal("700", await RunAsync("stat", "-c", "%a", Home));
    }

    [Fact]
    public async Task The_superuser_has_a_password_of_its_own()
    {
        await using var server = await StartAsync(_folder);
        var shared = new NpgsqlConnectionStringBuilder(server.ConnectionString)
        {
            Username = "postgres", Database = "postgres", Pooling = false,
        };
        var error = await Assert.ThrowsAsync<PostgresException>(() => OpenAsync(shared.ConnectionString));
        Assert.Equal(PostgresErrorCodes.InvalidPassword, error.SqlState);
        shared.Password = (await File.ReadAllTextAsync(Path.Combine(_folder, "superuser.password"))).Trim();
        await OpenAsync(shared.ConnectionString);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_superuser_that_shares_the_databases_password_gets_its_own_at_the_next_start(bool wasInterrupted)
    {
        // As version 0.2.0 made it; and as a start left it that was ended between changing the password and recording that.
        var own = Path.Combine(_folder, "superuser.password");
        string before;
        await using (var server = await StartAsync(_folder))
        {
            before = new NpgsqlConnectionStringBuilder(server.ConnectionString).Password!;
            if (wasInterrupted) File.Move(own, own + ".next");
            else
            {
                var superUser = new NpgsqlConnectionStringBuilder(server.ConnectionString)
                {
                    Username = "postgres", Database = "postgres", Pooling = false, Password = (await File.ReadAllTextAsync(own)).Trim(),
                };
                await OpenAsync(superUser.ConnectionString, $"alter role postgres password '{before}'");
                File.Delete(own);
            }
        }

        await using var again = await StartAsync(_folder);
        var password = (await File.ReadAllTextAsync(own)).Trim();
        Assert.NotEqual(before, password);
        Assert.False(File.Exists(own + ".next"));
        await OpenAsync(new NpgsqlConnectionStringBuilder(again.ConnectionString)
        {
            Username = "postgres", Database = "postgres", Pooling = false, Password = password,
        }.ConnectionString);
    }

    [Fact]
    public async Task A_server_that_asks_for_the_password_itself_does_not_get_it()
    {
        string address;
        var rules = Path.Combine(Home, "data", "pg_hba.conf");
        await using (var server = await StartAsync(_folder)) address = server.ConnectionString;
        // The server asks for the password in plain text, as one may that another user put in its place.
        await RunAsync("sed", "-i", "s/scram-sha-256/password/", rules);
        await using var impostor = await StartAsync(_folder);
        var error = await Assert.ThrowsAsync<NpgsqlException>(() => OpenAsync(address + ";Pooling=false"));
        Assert.Contains("authentication", error.Message, StringComparison.OrdinalIgnoreCase);
    }

    private async Task AssertRefusedAsync(string expected)
    {
        var error = await Assert.ThrowsAsync<QueueException>(() => StartAsync(_folder));
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    private static Task<EmbeddedPostgres> StartAsync(string folder) => EmbeddedPostgres.StartAsync(
        folder, new EmbeddedPostgresOptions { Fsync = false }, NullLogger.Instance, TestContext.Current.CancellationToken);

    private static async Task OpenAsync(string connectionString, string statement = "select 1")
    {
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        await using var command = new NpgsqlCommand(statement, connection);
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }

    private static async Task<string> RunAsync(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { UseShellExecute = false, RedirectStandardOutput = true };
        using var process = Process.Start(start)!;
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.Equal(0, process.ExitCode);
        return output.Trim();
    }
}
