using System.Diagnostics;
using BatchGen.Queue;
using BatchGen.Queue.Embedded;
using BatchGen.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Xunit;

namespace BatchGen.DatabaseTests.Embedded;

/// <summary>A complete, stopped cluster that tests copy, because creating one takes seconds.</summary>
public sealed class ClusterTemplate : IAsyncLifetime
{
    public string Folder { get; } = Path.Combine(Path.GetTempPath(), "batchgen-template-" + Guid.NewGuid().ToString("N")[..8]);

    public async ValueTask InitializeAsync()
    {
        await TestServer.GetAddressAsync(); // Skips without server programs.
        var options = new EmbeddedPostgresOptions { Fsync = false };
        await (await EmbeddedPostgres.StartAsync(Folder, options, NullLogger.Instance, CancellationToken.None)).DisposeAsync();
    }

    public async ValueTask DisposeAsync() => await EmbeddedCluster.RemoveAsync(Folder, CancellationToken.None);
}

public sealed class EmbeddedPostgresTests(ClusterTemplate template) : IClassFixture<ClusterTemplate>, IAsyncLifetime
{
    private static readonly EmbeddedPostgresOptions Fast = new() { Fsync = false };
    private readonly string _folder = Path.Combine(Path.GetTempPath(), "batchgen-embedded-" + Guid.NewGuid().ToString("N")[..8]);

    public async ValueTask InitializeAsync()
    {
        using var copy = Process.Start("cp", ["-a", template.Folder, _folder]);
        await copy.WaitForExitAsync();
    }

    public async ValueTask DisposeAsync() => await EmbeddedCluster.RemoveAsync(_folder, CancellationToken.None);

    [Fact]
    public async Task Data_is_there_after_the_server_was_stopped_and_started_again()
    {
        string address;
        await using (var first = await StartAsync())
        {
            address = first.ConnectionString;
            await ExecuteAsync(first.ConnectionString, "create table kept (x int); insert into kept values (7)");
        }

        await Assert.ThrowsAnyAsync<NpgsqlException>(() => ExecuteAsync(address, "select 1"));
        await using var second = await StartAsync();
        Assert.Equal(address, second.ConnectionString);
        Assert.Equal(7, await ExecuteAsync(second.ConnectionString, "select x from kept"));
        Assert.Equal(false, await ExecuteAsync(second.ConnectionString, "select rolsuper from pg_roles where rolname = current_user"));
    }

    [Fact]
    public async Task A_stopped_server_leaves_the_list_of_blocks_to_read_at_its_next_start()
    {
        var list = Path.Combine(_folder, "server", "data", "autoprewarm.blocks");
        File.Delete(list);
        await using (await StartAsync()) Assert.False(File.Exists(list));
        Assert.True(File.Exists(list)); // What the server had in memory when it was stopped, to be read at its next start.
    }

    [Fact]
    public async Task The_last_program_that_leaves_stops_the_server()
    {
        var first = await StartAsync();
        var second = await StartAsync();
        Assert.Equal(first.ServerProcessId, second.ServerProcessId);

        await first.DisposeAsync();
        Assert.Equal(1, await ExecuteAsync(second.ConnectionString, "select 1"));
        await second.DisposeAsync();
        Assert.Null(second.ServerProcessId);
    }

    [Fact]
    public async Task A_running_server_is_found_through_a_link_to_its_folder()
    {
        await using var first = await StartAsync();
        var link = _folder + "-link";
        Directory.CreateSymbolicLink(link, _folder);
        try
        {
            await using var second = await EmbeddedPostgres.StartAsync(link, Fast, NullLogger.Instance, CancellationToken.None);
            Assert.Equal(first.ServerProcessId, second.ServerProcessId);
            Assert.Equal(1, await ExecuteAsync(second.ConnectionString, "select 1"));
        }
        finally
        {
            Directory.Delete(link);
        }
    }

    [Fact]
    public async Task A_lock_file_that_cannot_be_opened_is_reported_at_once()
    {
        var file = Path.Combine(_folder, "start.lock");
        File.Delete(file);
        File.CreateSymbolicLink(file, file);
        var error = await Assert.ThrowsAsync<QueueException>(StartAsync);
        Assert.Contains("cannot be used by this user", error.Message, StringComparison.Ordinal);
        File.Delete(file);
    }

    [Fact]
    public async Task A_server_that_cannot_be_stopped_in_time_is_left_running_for_the_next_program()
    {
        var first = await StartAsync();
        // Another program is starting or stopping the server and does not come to an end.
        await using (new FileStream(Path.Combine(_folder, "start.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None))
            await first.LeaveAsync(TimeSpan.FromMilliseconds(100));
        var second = await StartAsync();
        Assert.Equal(first.ServerProcessId, second.ServerProcessId);
        await second.DisposeAsync();
        Assert.Null(second.ServerProcessId);
    }

    [Fact]
    public async Task Four_programs_that_start_at_once_share_one_server()
    {
        var all = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => StartAsync()));

        Assert.Single(all.Select(one => one.ServerProcessId).Distinct());
        foreach (var one in all) await one.DisposeAsync();
        Assert.Null(all[0].ServerProcessId);
    }

    [Fact]
    public async Task A_stale_pid_file_of_a_killed_server_does_not_prevent_the_next_start()
    {
        var first = await EmbeddedPostgres.StartAsync(_folder, NullLogger.Instance, CancellationToken.None);
        await ExecuteAsync(first.ConnectionString, "create table kept (x int); insert into kept values (7)");
        KillHard(first.ServerProcessId!.Value);
        NpgsqlConnection.ClearAllPools();
        // The process id in the file is that of a living process that is not the server: this one.
        var pidFile = Path.Combine(_folder, "server", "data", "postmaster.pid");
        var lines = await File.ReadAllLinesAsync(pidFile);
        lines[0] = Environment.ProcessId.ToString(System.Globalization.CultureInfo.InvariantCulture);
        await File.WriteAllLinesAsync(pidFile, lines);

        await using var second = await StartAsync();
        Assert.Equal(7, await ExecuteAsync(second.ConnectionString, "select x from kept"));
        await first.DisposeAsync();
        Assert.Equal(7, await ExecuteAsync(second.ConnectionString, "select x from kept"));
    }

    [Fact]
    public async Task A_cluster_whose_creation_was_interrupted_is_created_anew()
    {
        File.Delete(Path.Combine(_folder, "complete"));
        File.Delete(Path.Combine(_folder, "server", "data", "PG_VERSION"));
        foreach (var database in Directory.EnumerateDirectories(Path.Combine(_folder, "server", "data", "base")))
            if (Path.GetFileName(database).Length > 1) Directory.Delete(database, recursive: true);

        await using var again = await StartAsync();
        Assert.Equal(1, await ExecuteAsync(again.ConnectionString, "select 1"));
    }

    [Fact]
    public async Task A_cluster_that_holds_a_database_is_never_made_anew_whichever_file_beside_it_is_gone()
    {
        await using (var first = await StartAsync())
            await ExecuteAsync(first.ConnectionString, "create table kept as select 7 as x; select 1");
        File.Delete(Path.Combine(_folder, "complete"));
        await using (var again = await StartAsync()) Assert.Equal(7, await ExecuteAsync(again.ConnectionString, "select x from kept"));
        Assert.True(File.Exists(Path.Combine(_folder, "complete")));

        File.Delete(Path.Combine(_folder, "complete"));
        File.Delete(Path.Combine(_folder, "server", "data", "PG_VERSION"));
        Assert.Contains("is damaged", (await Assert.ThrowsAsync<QueueException>(StartAsync)).Message, StringComparison.Ordinal);
        Assert.NotEmpty(Directory.EnumerateFiles(Path.Combine(_folder, "server", "data", "base"), "*", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task A_cluster_of_another_version_is_refused_with_the_package_to_install()
    {
        await File.WriteAllTextAsync(Path.Combine(_folder, "server", "data", "PG_VERSION"), "13\n");

        var error = await Assert.ThrowsAsync<QueueException>(StartAsync);
        Assert.Contains("was made by PostgreSQL 13", error.Message, StringComparison.Ordinal);
        Assert.Contains("postgresql-13", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_damaged_cluster_is_refused_with_what_to_do()
    {
        await File.WriteAllBytesAsync(Path.Combine(_folder, "server", "data", "global", "pg_control"), new byte[8192]);

        var error = await Assert.ThrowsAsync<QueueException>(StartAsync);
        Assert.Contains("is damaged", error.Message, StringComparison.Ordinal);
        Assert.Contains("move", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData(" \n")]
    public async Task An_emptied_password_file_is_named_with_what_to_do(string text)
    {
        var file = Path.Combine(_folder, "password");
        await File.WriteAllTextAsync(file, text, TestContext.Current.CancellationToken);
        var failure = await Assert.ThrowsAsync<QueueException>(StartAsync);
        Assert.Contains($"{file} is empty. Put the file back from a copy", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_missing_password_file_is_reported()
    {
        File.Delete(Path.Combine(_folder, "password"));

        Assert.Contains("password", (await Assert.ThrowsAsync<QueueException>(StartAsync)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_socket_that_another_server_holds_is_reported()
    {
        // The lock file names the process of a living server, that of all tests.
        var host = new NpgsqlConnectionStringBuilder(await TestServer.GetAddressAsync()).Host!;
        Assert.SkipUnless(host.StartsWith('/'), "The test server is not an embedded one.");
        var holder = (await File.ReadAllLinesAsync(Path.Combine(host, ".s.PGSQL.5432.lock")))[0];
        await File.WriteAllTextAsync(
            Path.Combine(_folder, "server", ".s.PGSQL.5432.lock"), $"{holder}\n/elsewhere\n0\n5432\n/elsewhere\n\n");

        var error = await Assert.ThrowsAsync<QueueException>(StartAsync);
        Assert.Contains("The socket", error.Message, StringComparison.Ordinal);
        File.Delete(Path.Combine(_folder, "server", ".s.PGSQL.5432.lock"));
    }

    [Fact]
    public async Task A_server_whose_killed_predecessor_nobody_has_looked_for_yet_starts_when_somebody_has()
    {
        await File.WriteAllTextAsync(
            Path.Combine(_folder, "server", ".s.PGSQL.5432.lock"), $"{await ZombieAsync()}\n/elsewhere\n0\n5432\n/elsewhere\n\n");
        await using var server = await StartAsync();
    }

    // The process id of one that has ended, and whose parent looks for it after two seconds by ending itself.
    private static async Task<string> ZombieAsync()
    {
        string[] arguments = ["-c", "true & echo $!; exec sleep 2"];
        var start = new ProcessStartInfo("sh", arguments) { RedirectStandardOutput = true, UseShellExecute = false };
        using var parent = Process.Start(start)!;
        return (await parent.StandardOutput.ReadLineAsync())!;
    }

    [Fact]
    public async Task A_folder_whose_path_is_too_long_for_a_socket_works()
    {
        var folder = Path.Combine(_folder, string.Join('/', Enumerable.Repeat("a folder with a long name", 6)));
        await using (var server = await EmbeddedPostgres.StartAsync(folder, Fast, NullLogger.Instance, CancellationToken.None))
            Assert.Equal(1, await ExecuteAsync(server.ConnectionString, "select 1"));
        await EmbeddedCluster.RemoveAsync(folder, CancellationToken.None);
    }

    [Fact]
    public async Task A_cluster_whose_folder_the_servers_user_cannot_enter_is_kept_elsewhere()
    {
        var closed = Path.Combine(_folder, "closed");
        Directory.CreateDirectory(closed);
        if (!Environment.IsPrivilegedProcess)
        {
            // Only root runs the server as another user. For anyone else a folder that cannot be entered is an error that names it.
            if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(closed, UnixFileMode.None);
            var error = await Assert.ThrowsAsync<QueueException>(
                () => EmbeddedPostgres.StartAsync(Path.Combine(closed, "postgres"), Fast, NullLogger.Instance, CancellationToken.None));
            Assert.Contains(closed, error.Message, StringComparison.Ordinal);
            if (!OperatingSystem.IsWindows())
                File.SetUnixFileMode(closed, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            return;
        }

        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(closed, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var folder = Path.Combine(closed, "postgres");

        for (var round = 0; round < 2; round++)
        {
            await using var server = await EmbeddedPostgres.StartAsync(folder, Fast, NullLogger.Instance, CancellationToken.None);
            Assert.Equal(1, await ExecuteAsync(server.ConnectionString, "select 1"));
        }

        var home = (await File.ReadAllTextAsync(Path.Combine(folder, "LOCATION"))).Trim();
        Assert.True(Directory.Exists(home));
        await EmbeddedCluster.RemoveAsync(folder, CancellationToken.None);
        Assert.False(Directory.Exists(home));
    }

    [Fact]
    public async Task The_servers_log_is_bounded_and_its_oldest_files_are_removed_at_a_start()
    {
        var home = Path.Combine(_folder, "server");
        await (await StartAsync()).DisposeAsync();
        var files = WriteOldLogs(home);
        await File.WriteAllTextAsync(Path.Combine(home, "server.log"), new string('x', 2 << 20));

        await using var server = await StartAsync();
        Assert.Equal("16MB", await ExecuteAsync(server.ConnectionString, "select current_setting('log_rotation_size')"));
        Assert.Equal("1d", await ExecuteAsync(server.ConnectionString, "select current_setting('log_rotation_age')"));
        // Eight were kept, and the server began one, or went on with that of the same second.
        Assert.InRange(Directory.GetFiles(Path.Combine(home, "log")).Length, 8, 9);
        Assert.All(files[..12], file => Assert.False(File.Exists(file)));
        Assert.True(new FileInfo(Path.Combine(home, "server.log")).Length < 1 << 20);
        Assert.Equal(2 << 20, new FileInfo(Path.Combine(home, "server.log.old")).Length);
    }

    [Fact]
    public async Task The_oldest_files_of_the_servers_log_are_removed_while_it_runs()
    {
        await using var server = await StartAsync();
        using var end = new CancellationTokenSource();
        var keeping = server.KeepRunningAsync(TimeProvider.System, end.Token);
        WriteOldLogs(Path.Combine(_folder, "server"));
        await Wait.UntilAsync(
            "eight files are left",
            () => Task.FromResult(Directory.GetFiles(Path.Combine(_folder, "server", "log")).Length),
            count => count == 8,
            cancellationToken: TestContext.Current.CancellationToken);
        await end.CancelAsync();
        await keeping;
    }

    [Fact]
    public async Task An_error_of_a_server_that_ends_after_it_opened_its_log_is_quoted()
    {
        foreach (var file in Directory.GetFiles(Path.Combine(_folder, "server", "data", "pg_wal"))) File.Delete(file);

        var error = await Assert.ThrowsAsync<QueueException>(StartAsync);
        Assert.Contains("could not locate a valid checkpoint record", error.Message, StringComparison.Ordinal);
        Assert.Contains(Path.Combine(_folder, "server", "log"), error.Message, StringComparison.Ordinal);
    }

    // Twenty files, as the server names them.
    private static string[] WriteOldLogs(string home)
    {
        var files = Enumerable.Range(10, 20).Select(number => Path.Combine(home, "log", $"server-20200101-0000{number}.log")).ToArray();
        foreach (var file in files) File.WriteAllText(file, "old\n");
        return files;
    }

    private Task<EmbeddedPostgres> StartAsync() => EmbeddedPostgres.StartAsync(_folder, Fast, NullLogger.Instance, CancellationToken.None);

    private static void KillHard(int process)
    {
        using var server = Process.GetProcessById(process);
        server.Kill();
        server.WaitForExit();
    }

    private static async Task<object?> ExecuteAsync(string connectionString, string statement)
    {
        await using var connection = new NpgsqlConnection(connectionString + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(statement, connection);
        return await command.ExecuteScalarAsync();
    }
}
