using System.Formats.Tar;
using System.Text.Json.Nodes;
using BatchGen.Core.Rendering;
using BatchGen.Queue;
using BatchGen.Queue.Claims;
using BatchGen.Queue.Roles;
using BatchGen.Queue.Workers;
using BatchGen.Testing;
using Xunit;
using static BatchGen.EndToEndTests.Commands.FilledQueue;

namespace BatchGen.EndToEndTests.Commands;

/// <summary><c>batchgen backup</c>: what it saves, and that it is whole again where it is restored.</summary>
public sealed class BackupCommandTests
{
    private const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute
        | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    private static readonly string[] Files =
        ["keys/key-1.xml", "reports/morning.html", "start-images/" + new string('a', 64) + ".png", "images/000000/1.png"];

    [Fact]
    [SuccessOf("backup")]
    [SuccessOf("restore")]
    public async Task A_backup_restored_into_an_empty_server_goes_on_with_its_jobs_roles_and_files()
    {
        await using var source = await FilledQueue.CreateAsync();
        await using var program = new ProgramUnderTest(source.Database);
        AddFiles(program.DataFolder);
        await source.AddRecurringWorkAsync();
        var saved = await program.RunHereAsync("backup", Path.Combine(program.DataFolder, "saved"), "--images");
        Assert.Equal((0, ""), (saved.ExitCode, saved.Error));
        AssertPrivate(Path.Combine(program.DataFolder, "saved"));
        AssertNothingUnfinished(program.DataFolder);
        var before = await source.CountAsync();

        await using var server = await SecondServer.StartAsync();
        await using var there = new ProgramUnderTest(source.Database);
        there.Environment["ConnectionStrings__BatchGen"] = server.ConnectionString;
        var restored = await there.RunHereAsync("restore", Path.Combine(program.DataFolder, "saved"));
        Assert.Equal(0, restored.ExitCode);
        source.AssertLoginsAreNamed(restored.Error);
        Assert.Contains("2 jobs that were running wait again", restored.Output, StringComparison.Ordinal);

        // Rows
        Assert.Equal(before, await CountAsync(server.ConnectionString, source.Database.Schema));
        await using var queue = QueueDatabase.Open(server.ConnectionString, new QueueOptions { Schema = source.Database.Schema });
        await using var connection = await ConnectAsync(server.ConnectionString, source.Database.Schema);
        Assert.Equal(0L, await ScalarAsync(connection, "select count(*) from jobs where state = 'running'"));
        Assert.Equal(0L, await ScalarAsync(connection, "select count(*) from jobs where state = 'queued' and attempts > 0"));
        Assert.Equal(0L, await ScalarAsync(connection, "select count(*) from workers where stopped_at is null"));
        // Images that a checkpoint had covered stay, the other one is drawn again.
        Assert.Equal(1L, await ScalarAsync(connection, "select count(*) from jobs where state = 'succeeded'"));
        // Roles: nothing is missing, and the tenant's login is a member with its settings.
        Assert.True((await new RoleKeeper(queue).InspectAsync(CancellationToken.None)).IsComplete);
        Assert.Equal(true, await ScalarAsync(connection, $"select pg_has_role('{source.Login}', 'batchgen_submitter', 'member')"));
        Assert.Equal("statement_timeout=5min", await ScalarAsync(
            connection, $"select setconfig[1] from pg_db_role_setting where setrole = '{source.Login}'::regrole"));
        Assert.Equal(true, await ScalarAsync(connection, $"select has_table_privilege('{source.Reporter}', 'results', 'select')"));
        // Recurring work is there with its tables.
        Assert.Equal("kept", await ScalarAsync(
            connection, $"select value from {source.Database.Schema}_hangfire.set where key = 'recurring-jobs'"));
        // The queue goes on.
        var worker = Guid.NewGuid();
        var workers = new WorkerRegistry(queue);
        await workers.StartAsync(worker, "new", new DeviceInfo("cpu", "a processor", "float32"), CancellationToken.None);
        var batch = await new BatchClaims(queue).ClaimAsync(new(worker, null, 32), CancellationToken.None);
        Assert.Equal(4, batch!.Jobs.Count);
        // Files
        foreach (var file in Files)
            Assert.Equal(file, await File.ReadAllTextAsync(Path.Combine(there.DataFolder, file), CancellationToken.None));
        Assert.True(File.Exists(Path.Combine(there.DataFolder, "appsettings.restored.json")));

        // A second restore would mix two databases.
        var refused = await there.RunHereAsync("restore", Path.Combine(program.DataFolder, "saved"));
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains("The database is not empty.", refused.Error, StringComparison.Ordinal);
        Assert.Contains("1 worker still uses the database",
            (await there.RunHereAsync("restore", Path.Combine(program.DataFolder, "saved"), "--replace")).Error, StringComparison.Ordinal);
        await workers.StopAsync(worker, "done", CancellationToken.None);
        Assert.Equal(0, (await there.RunHereAsync("restore", Path.Combine(program.DataFolder, "saved"), "--replace")).ExitCode);
        Assert.Equal(before, await CountAsync(server.ConnectionString, source.Database.Schema));
    }

    [Fact]
    public async Task A_backup_in_one_file_holds_no_images_unless_asked_and_is_checked_before_anything_is_restored()
    {
        await using var source = await FilledQueue.CreateAsync();
        await using var program = new ProgramUnderTest(source.Database);
        AddFiles(program.DataFolder);
        var file = Path.Combine(program.DataFolder, "saved.tar");
        Assert.Equal(0, (await program.RunHereAsync("backup", file)).ExitCode);
        AssertOwnersAlone(file);
        var again = await program.RunHereAsync("backup", file);
        Assert.Equal(2, again.ExitCode);
        Assert.Contains("is there already", again.Error, StringComparison.Ordinal);

        var folder = Path.Combine(program.DataFolder, "unpacked");
        Directory.CreateDirectory(folder);
        await TarFile.ExtractToDirectoryAsync(file, folder, overwriteFiles: false, CancellationToken.None);
        Assert.False(Directory.Exists(Path.Combine(folder, "images")));
        Assert.True(File.Exists(Path.Combine(folder, "keys", "key-1.xml")));

        // Damaged, cut, and one that names a file elsewhere.
        var dump = Path.Combine(folder, "database.dump");
        var bytes = await File.ReadAllBytesAsync(dump, CancellationToken.None);
        bytes[^1] ^= 1;
        await File.WriteAllBytesAsync(dump, bytes, CancellationToken.None);
        await AssertRefusedAsync(program, folder, "The backup is damaged: 'database.dump'");
        File.Delete(dump);
        await AssertRefusedAsync(program, folder, "'database.dump' is missing");
        var manifest = Path.Combine(folder, "manifest.json");
        var text = await File.ReadAllTextAsync(manifest, CancellationToken.None);
        var elsewhere = text.Replace("database.dump", "../../database.dump", StringComparison.Ordinal);
        await File.WriteAllTextAsync(manifest, elsewhere, CancellationToken.None);
        await AssertRefusedAsync(program, folder, "outside of the backup");
        var whole = await File.ReadAllBytesAsync(file, CancellationToken.None);
        await File.WriteAllBytesAsync(file, whole[..10_000], CancellationToken.None);
        await AssertRefusedAsync(program, file, "");
        // Nothing was dropped, and nothing is left over.
        Assert.Equal(5L, await source.Database.SqlAsync<long>("select count(*) from jobs"));
        AssertNothingUnfinished(program.DataFolder);
    }

    [Fact]
    public async Task The_roles_that_the_program_and_the_database_name_are_the_same()
    {
        await using var database = await TestDatabase.CreateAsync();
        Assert.Equal(RoleKeeper.Roles, await database.SqlAsync<string[]>("select queue_roles()::text[]"));
    }

    [Fact]
    public async Task A_backup_saves_names_that_only_look_like_those_of_unfinished_files_and_says_what_it_cannot_save()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var program = new ProgramUnderTest(database);
        var folder = Path.Combine(program.DataFolder, "start-images");
        Directory.CreateDirectory(Path.Combine(folder, "below"));
        string[] saved = ["my.party.png", "a.part", ".probe-notes", "x.probe-1.png", "below/cat.png"];
        string[] temporary = [".probe-4711", "a.png.part-" + Guid.NewGuid().ToString("N")];
        foreach (var name in saved.Concat(temporary)) await File.WriteAllTextAsync(Path.Combine(folder, name), name, Stop);
        File.CreateSymbolicLink(Path.Combine(folder, "linked.png"), "my.party.png");
        Directory.CreateSymbolicLink(Path.Combine(folder, "elsewhere"), "below");

        var result = await program.RunHereAsync("backup", Path.Combine(program.DataFolder, "saved"));
        Assert.Equal(0, result.ExitCode);
        Assert.Equal(saved.Order(StringComparer.Ordinal), Directory
            .EnumerateFiles(Path.Combine(program.DataFolder, "saved", "start-images"), "*", SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(Path.Combine(program.DataFolder, "saved", "start-images"), path))
            .Order(StringComparer.Ordinal));
        Assert.Equal(2, result.Error.TrimEnd().Split('\n').Length);
        foreach (var link in (string[])["linked.png", "elsewhere"])
        {
            Assert.Contains(
                $"Not in the backup: {Path.Combine(folder, link)} is a link", result.Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_manifest_that_does_not_list_every_file_is_refused()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var program = new ProgramUnderTest(database);
        AddFiles(program.DataFolder);
        var folder = Path.Combine(program.DataFolder, "saved");
        Assert.Equal(0, (await program.RunHereAsync("backup", folder)).ExitCode);
        var manifest = Path.Combine(folder, "manifest.json");
        var whole = await File.ReadAllTextAsync(manifest, Stop);
        foreach (var name in (string[])["database.dump", "roles.json"])
        {
            await EditAsync(files => files.Remove(files.Single(file => (string?)file!["path"] == name)));
            await AssertRefusedAsync(program, folder, $"its manifest lacks '{name}'");
        }

        await EditAsync(files => files.Remove(files.Single(file => (string?)file!["path"] == "keys/key-1.xml")));
        await AssertRefusedAsync(program, folder, "'keys/key-1.xml' is not on its manifest");
        await EditAsync(files => files.Add(files[0]!.DeepClone()));
        await AssertRefusedAsync(program, folder, "twice or without a SHA-256");
        await EditAsync(files => files[0]!.AsObject().Remove("path"));
        await AssertRefusedAsync(program, folder, "twice or without a SHA-256");
        await File.WriteAllTextAsync(manifest, whole, Stop);
        Assert.Equal(0, (await program.RunHereAsync("restore", folder, "--replace")).ExitCode);

        async Task EditAsync(Action<JsonArray> edit)
        {
            var json = JsonNode.Parse(whole)!;
            edit(json["files"]!.AsArray());
            await File.WriteAllTextAsync(manifest, json.ToJsonString(), Stop);
        }
    }

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private static void AddFiles(string folder)
    {
        foreach (var file in Files)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(folder, file))!);
            File.WriteAllText(Path.Combine(folder, file), file);
        }

        File.WriteAllText(Path.Combine(folder, "images/000000/000000002-honim6gytc.png.part"), "unfinished");
    }

    private static async Task AssertRefusedAsync(ProgramUnderTest program, string source, string why)
    {
        var refused = await program.RunHereAsync("restore", source, "--replace");
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains(why, refused.Error, StringComparison.Ordinal);
    }

    private static void AssertNothingUnfinished(string folder) => Assert.DoesNotContain(
        Directory.EnumerateFileSystemEntries(folder), entry => entry.Contains(".part", StringComparison.Ordinal));

    private static void AssertPrivate(string folder)
    {
        AssertOwnersAlone(folder);
        Assert.False(File.Exists(Path.Combine(folder, "images/000000/000000002-honim6gytc.png.part")));
        foreach (var entry in Directory.EnumerateFileSystemEntries(folder, "*", SearchOption.AllDirectories))
            AssertOwnersAlone(entry);
    }

    private static void AssertOwnersAlone(string path)
    {
        if (!OperatingSystem.IsWindows()) Assert.Equal((path, UnixFileMode.None), (path, File.GetUnixFileMode(path) & Others));
    }
}
