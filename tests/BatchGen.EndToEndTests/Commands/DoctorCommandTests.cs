using System.Text.Json;
using BatchGen.Composition;
using BatchGen.Doctor;
using BatchGen.Queue.Embedded;
using BatchGen.Queue.Reports;
using BatchGen.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace BatchGen.EndToEndTests.Commands;

/// <summary><c>batchgen doctor</c> on sound and broken machines, settings and databases.</summary>
public sealed class DoctorCommandTests
{
    [Fact]
    [SuccessOf("doctor")]
    public async Task A_sound_machine_gets_a_finding_of_every_check_and_exit_code_0()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var program = new ProgramUnderTest(database);
        // A private server as people have it; that of the tests does not force writes to disk.
        program.Environment["ConnectionStrings__BatchGen"] = "";
        program.Environment["BatchGen__Worker__LeastFreeBytes"] = "0";
        await AddDemoAsync(program);
        // As it runs while 'batchgen up' does.
        await using var server = await StartPrivateAsync(program);
        Directory.CreateDirectory(Path.Combine(program.DataFolder, "images"));
        var result = await program.RunHereAsync("doctor", "--json");
        var findings = Read(result);
        Assert.DoesNotContain(findings, finding => finding.State == "wrong");
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.Equal(
            DoctorRun.Checks.Select(check => check.Name).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal),
            findings.Select(finding => finding.Check).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal));
        Assert.All(findings, finding => Assert.Equal(finding.State == "ok", finding.Remedy is null));
        // The files were read whole.
        Assert.Contains(findings, finding => finding.What.StartsWith("Model 'demo': ", StringComparison.Ordinal)
            && finding.What.EndsWith(" files are as registered.", StringComparison.Ordinal));
        var lines = (await program.RunHereAsync("doctor", "--quick")).Output.TrimEnd().Split('\n');
        Assert.Equal(findings.Count + 1, lines.Length);
        Assert.EndsWith(" 0 wrong", lines[^1], StringComparison.Ordinal);
        Assert.Contains(lines, line => line.Contains("are as registered, by size.", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_private_server_that_is_not_there_and_a_missing_image_folder_are_findings_and_nothing_is_made()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var program = new ProgramUnderTest(database);
        var folder = Path.Combine(program.DataFolder, "not-mounted");
        program.Environment["ConnectionStrings__BatchGen"] = "";
        program.Environment["BatchGen__DataFolder"] = folder;
        program.Environment["BatchGen__Worker__LeastFreeBytes"] = "0";
        var findings = Read(await program.RunHereAsync("doctor", "--json"));
        var server = Assert.Single(findings, finding => finding.Check == "database" && Says(finding, "There is no private database yet"));
        Assert.Equal(("warning", Path.Combine(folder, "postgres")), (server.State, server.Where));
        Assert.Contains("batchgen up", server.Remedy, StringComparison.Ordinal);
        var images = Assert.Single(findings, finding => finding.Check == "images");
        Assert.Equal(
            ("warning", "The image folder is missing.", Path.Combine(folder, "images")), (images.State, images.What, images.Where));
        Assert.Empty(Directory.EnumerateFileSystemEntries(program.DataFolder));
    }

    [Fact]
    public async Task Images_that_the_database_names_and_the_image_folder_lacks_are_wrong()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddModelAsync();
        await database.SubmitAsync("", "", "");
        await database.CompleteAsync((await database.ClaimAsync(await database.AddWorkerAsync()))!);
        await using var program = new ProgramUnderTest(database);
        var folder = Path.Combine(program.DataFolder, "images");
        Directory.CreateDirectory(folder);
        var images = await new ImageCatalog(database.Queue).ListNewestFilesAsync(10, CancellationToken.None);
        Assert.Equal(3, images.Count);
        foreach (var image in images) await WriteAsync(image, image.SizeBytes);
        Assert.Equal("ok", (await FindAsync("3 newest images are in the image folder.")).State);

        File.Delete(Path.Combine(folder, images[0].Path));
        await WriteAsync(images[1], images[1].SizeBytes - 1);
        var lost = await FindAsync(
            "Of the 3 newest images that the database names, 2 are missing in the image folder or have another size.");
        Assert.Equal(("wrong", Path.Combine(folder, images[0].Path)), (lost.State, lost.Where));

        async Task WriteAsync(ImageFile image, long sizeBytes)
        {
            var file = Path.Combine(folder, image.Path);
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            await File.WriteAllBytesAsync(file, new byte[sizeBytes]);
        }

        async Task<Line> FindAsync(string what) => Assert.Single(
            Read(await program.RunHereAsync("doctor", "--json")), finding => finding.Check == "images" && finding.What == what);
    }

    [Fact]
    public async Task A_private_server_that_does_not_run_is_a_finding_and_is_not_started()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var program = new ProgramUnderTest(database);
        program.Environment["ConnectionStrings__BatchGen"] = "";
        await (await StartPrivateAsync(program)).DisposeAsync();
        try
        {
            var before = Entries(program.DataFolder);
            var finding = Assert.Single(Read(await program.RunHereAsync("doctor", "--json")),
                finding => finding.Check == "database" && Says(finding, "does not run"));
            Assert.Equal("warning", finding.State);
            Assert.Contains("batchgen up", finding.Remedy, StringComparison.Ordinal);
            Assert.Equal(before, Entries(program.DataFolder));
            Assert.Null((await PrivateServer.LookAsync(PrivateFolder(program), Stop)).ConnectionString);
        }
        finally
        {
            await EmbeddedCluster.RemoveAsync(PrivateFolder(program), CancellationToken.None);
        }

        static string[] Entries(string folder) => [.. Directory.EnumerateFileSystemEntries(folder, "*", SearchOption.AllDirectories)
            .Select(path => $"{path} {File.GetLastWriteTimeUtc(path):O}").Order(StringComparer.Ordinal)];
    }

    [Fact]
    public async Task Files_that_differ_or_are_missing_are_named_and_only_a_whole_look_sees_changed_bytes()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var program = new ProgramUnderTest(database);
        var (model, adapters) = await AddDemoAsync(program);
        var weights = Directory.GetFiles(Path.Combine(model, "unet"), "*.safetensors").Single();
        await FlipAsync(weights);
        await FlipAsync(adapters[0]);
        File.Delete(adapters[1]);

        var quick = Read(await program.RunHereAsync("doctor", "--json", "--quick"));
        Assert.DoesNotContain(quick, finding => finding is { Check: "models", State: "wrong" });
        var missing = Assert.Single(quick, finding => finding is { Check: "adapters", State: "wrong" });
        Assert.Contains(Path.GetFileNameWithoutExtension(adapters[1]), missing.What, StringComparison.Ordinal);

        var result = await program.RunHereAsync("doctor", "--json");
        Assert.Equal(1, result.ExitCode);
        var whole = Read(result);
        var changed = Assert.Single(whole, finding => finding is { Check: "models", State: "wrong" });
        Assert.Contains("SHA-256", changed.What, StringComparison.Ordinal);
        Assert.Equal(weights, changed.Where);
        Assert.Equal(2, whole.Count(finding => finding is { Check: "adapters", State: "wrong" }));
    }

    [Fact]
    public async Task Files_that_another_worker_drew_with_and_this_machine_lacks_are_named_with_that_worker()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var program = new ProgramUnderTest(database);
        await database.AddModelAsync();
        await database.AddAdaptersAsync("ink");
        var worker = await database.AddWorkerAsync("gpu-7");
        await database.SubmitAsync("ink@0.5");
        await database.FinishAsync((await database.ClaimAsync(worker))!);
        var findings = Read(await program.RunHereAsync("doctor", "--json"));
        var others = findings.Where(finding => finding.Check == "other workers").ToArray();
        Assert.Equal(["Model 'demo' is not here", "Adapter 'ink' is not here"],
            others.Select(finding => finding.What[..finding.What.IndexOf(" as registered", StringComparison.Ordinal)]));
        Assert.All(others, finding => Assert.Contains("worker 'gpu-7'", finding.What, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Without_a_database_the_machine_is_looked_at_all_the_same()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var program = new ProgramUnderTest(database);
        program.Environment["ConnectionStrings__BatchGen"] = "Host=127.0.0.1;Port=1;Username=nobody;Password=secret;Timeout=2";
        var result = await program.RunHereAsync("doctor", "--json");
        Assert.Equal(1, result.ExitCode);
        var findings = Read(result);
        Assert.Single(findings, finding => finding is { Check: "database", State: "wrong" });
        Assert.Contains(findings, finding => finding is { Check: "torch", State: "ok" });
        const string LeftOut = "Not looked at without a database: server, migrations";
        Assert.Contains(findings, finding => finding.What.StartsWith(LeftOut, StringComparison.Ordinal));
        Assert.DoesNotContain("secret", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Settings_that_cannot_be_used_are_findings_and_stop_no_other_check()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddModelAsync();
        await using var program = new ProgramUnderTest(database);
        program.Environment["BatchGen__Worker__BatchSise"] = "16";
        program.Environment["BatchGen__Worker__TensorBatchSize"] = "many";
        var result = await program.RunHereAsync("doctor", "--json");
        Assert.Equal(1, result.ExitCode);
        var findings = Read(result);
        Assert.Equal(2, findings.Count(finding => finding is { Check: "settings", State: "wrong" }));
        Assert.Contains(findings, finding => finding is { Check: "migrations", State: "ok" });
    }

    [Fact]
    public async Task Missing_rights_producers_without_limits_and_a_standstill_are_found_and_migrate_mends_rights_and_limits()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddModelAsync();
        await using var program = new ProgramUnderTest(database);
        var login = "shop_" + Guid.NewGuid().ToString("N")[..8];
        await database.SqlAsync($"create role {login} login in role batchgen_submitter");
        try
        {
            await database.SqlAsync("revoke select on results from batchgen_reader; grant execute on function submit_jobs to public");
            await database.SqlAsync("grant insert on jobs to public");
            await database.SubmitAsync("");
            await database.SqlAsync("update jobs set run_at = now() - interval '1 hour'");
            var findings = Read(await program.RunHereAsync("doctor", "--json"));
            var roles = findings.Where(finding => finding.Check == "roles").ToArray();
            const string Missing = "Rights are missing (1): select on results to batchgen_reader.";
            Assert.Contains(roles, finding => finding is { State: "wrong", What: Missing });
            Assert.Contains(roles, finding => Says(finding, "execute on function submit_jobs to everybody"));
            Assert.Contains(roles, finding => finding.State == "warning" && Says(finding, login));
            Assert.Contains(findings, finding => finding is { Check: "queue", State: "wrong" } && Says(finding, "No worker runs"));

            // What was looked up was undone.
            Assert.False(await database.SqlAsync<bool>("select has_table_privilege('batchgen_reader', 'results', 'select')"));
            var migrated = await program.RunHereAsync("migrate");
            Assert.Contains("Granted select on results to batchgen_reader\n", migrated.Output, StringComparison.Ordinal);
            Assert.Contains("Revoked execute on function submit_jobs to everybody\n", migrated.Output, StringComparison.Ordinal);
            Assert.Contains("Revoked insert on jobs to everybody\n", migrated.Output, StringComparison.Ordinal);
            Assert.True(await database.SqlAsync<bool>("select has_table_privilege('batchgen_reader', 'results', 'select')"));
            const string Limits = "idle_in_transaction_session_timeout=1min, statement_timeout=5min";
            Assert.Contains($"Limited {login}: {Limits}\n", migrated.Output, StringComparison.Ordinal);
            var again = (await program.RunHereAsync("migrate")).Output;
            Assert.DoesNotContain("Granted", again, StringComparison.Ordinal);
            Assert.DoesNotContain(login, again, StringComparison.Ordinal);
            Assert.DoesNotContain(Read(await program.RunHereAsync("doctor", "--json")), finding => Says(finding, login));
        }
        finally
        {
            await database.SqlAsync($"drop role {login}");
        }
    }

    [Fact]
    public async Task Changed_functions_rights_of_single_logins_and_roles_with_a_login_are_found_and_mended_where_nobody_can_mean_them()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var program = new ProgramUnderTest(database);
        var login = database.Name + "_login";
        await database.SqlAsync($"create role {login} login; alter role batchgen_reader login; grant select (state) on jobs to {login}");
        try
        {
            await database.SqlAsync("alter function cancel_jobs security invoker; drop function retry_failed");
            await database.SqlAsync("grant insert on jobs to batchgen_submitter");
            var findings = Read(await program.RunHereAsync("doctor", "--json"));
            var changed = Assert.Single(findings, finding => finding is { Check: "migrations", State: "wrong" });
            Assert.Contains("is security invoker and not security definer", changed.What, StringComparison.Ordinal);
            Assert.Contains("is missing", changed.What, StringComparison.Ordinal);
            Assert.Contains("batchgen migrate", changed.Remedy, StringComparison.Ordinal);
            // Rights cannot be compared while a function is missing that somebody needs.
            Assert.Contains(findings, finding => finding.Check == "roles" && Says(finding, "Function retry_failed is missing")
                && Says(finding, "batchgen migrate"));

            var migrated = await program.RunHereAsync("migrate");
            Assert.Equal(0, migrated.ExitCode);
            Assert.Contains("Put in anew, because cancel_jobs(", migrated.Output, StringComparison.Ordinal);
            Assert.Contains("Put in anew, because retry_failed(", migrated.Output, StringComparison.Ordinal);
            Assert.Contains("alter role batchgen_reader nologin", migrated.Error, StringComparison.Ordinal);
            Assert.Contains($"select on column jobs.state to {login} was given by hand", migrated.Error, StringComparison.Ordinal);
            Assert.True(await database.SqlAsync<bool>("select prosecdef from pg_proc where oid = 'cancel_jobs'::regproc"));
            Assert.False(await database.SqlAsync<bool>("select has_table_privilege('batchgen_submitter', 'jobs', 'insert')"));

            findings = Read(await program.RunHereAsync("doctor", "--json"));
            Assert.DoesNotContain(findings, finding => finding is { Check: "migrations", State: "wrong" });
            Assert.Contains(findings, finding => Says(finding, "Role batchgen_reader may log in"));
            Assert.Contains(findings, finding => Says(finding, $"select on column jobs.state to {login}")
                && finding.Remedy!.Contains("revoke select (state) on table", StringComparison.Ordinal));
        }
        finally
        {
            await database.SqlAsync($"alter role batchgen_reader nologin; revoke select (state) on jobs from {login}; drop role {login}");
        }
    }

    [Fact]
    public async Task Migrate_says_rights_of_a_login_in_one_line_functions_beside_its_own_and_that_it_may_not_compare_functions()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var program = new ProgramUnderTest(database);
        var name = new Npgsql.NpgsqlConnectionStringBuilder(database.SuperuserAddress).Database!;
        var (login, me) = (database.Name + "_login", await database.SqlAsync<string>("select current_user::text"));
        await database.SqlAsync($"create role {login} login; grant select on jobs, results, images to {login}");
        await database.SqlAsync("create function cancel_jobs(ids text) returns int language sql as 'select 1'");
        try
        {
            await database.AsSuperuserAsync(
                $"alter database {name} owner to postgres; revoke create on database {name} from \"{me}\", public");
            var migrated = await program.RunHereAsync("migrate");
            Assert.Equal(0, migrated.ExitCode);
            var lines = migrated.Error.Split('\n');
            var rights = Assert.Single(lines, line => line.Contains(login, StringComparison.Ordinal));
            Assert.Contains("and 2 more rights of this login were given by hand", rights, StringComparison.Ordinal);
            Assert.Single(lines, line => line.Contains($"grant create on database \"{name}\" to \"{me}\"", StringComparison.Ordinal));
            var drop = $"drop routine {database.Schema}.cancel_jobs(ids text)";
            Assert.Single(lines, line => line.Contains(drop, StringComparison.Ordinal));
            Assert.Single(Read(await program.RunHereAsync("doctor", "--json")), finding =>
                finding is { Check: "migrations", State: "wrong" } && finding.Remedy!.EndsWith(drop, StringComparison.Ordinal));
        }
        finally
        {
            await database.AsSuperuserAsync($"alter database {name} owner to \"{me}\"");
            await database.SqlAsync($"revoke all on jobs, results, images from {login}; drop role {login}");
        }
    }

    [Fact]
    public async Task A_schema_older_than_the_program_is_found_and_left_as_it_is()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var program = new ProgramUnderTest(database);
        await database.SqlAsync("update schema_functions set sha256 = 'old' where name = 'submit_jobs'");
        var finding = Assert.Single(Read(await program.RunHereAsync("doctor", "--json")), finding => finding.Check == "migrations");
        Assert.Equal("wrong", finding.State);
        Assert.Contains("batchgen migrate", finding.Remedy, StringComparison.Ordinal);
        Assert.Equal("old", await database.SqlAsync<string>("select sha256 from schema_functions where name = 'submit_jobs'"));
    }

    [Fact]
    public async Task A_check_that_throws_is_a_finding_and_the_next_one_runs()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var program = new ProgramUnderTest(database);
        var programContext = program.Context();
        await using var context = new CheckContext
        {
            Program = programContext, Settings = Settings.ReadWhatFits(programContext, []), SettingProblems = [], Quick = true,
        };
        var findings = new List<Finding>();
        DoctorCheck[] checks = [new BrokenCheck(), new ImageFolderCheck()];
        await foreach (var finding in DoctorRun.RunAsync(checks, context, Stop)) findings.Add(finding);
        Assert.Equal(["before", "broken", "images"], findings.Select(finding => finding.What == "before" ? "before" : finding.Check));
        Assert.Contains("the disk is gone", findings[1].What, StringComparison.Ordinal);
        Assert.Equal(FindingState.Wrong, findings[1].State);
    }

    private static string PrivateFolder(ProgramUnderTest program) => Path.Combine(program.DataFolder, "postgres");

    private static Task<EmbeddedPostgres> StartPrivateAsync(ProgramUnderTest program) =>
        EmbeddedPostgres.StartAsync(PrivateFolder(program), NullLogger.Instance, Stop);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    // A copy of the demo's files, registered.
    private static async Task<(string Model, string[] Adapters)> AddDemoAsync(ProgramUnderTest program)
    {
        var models = Path.Combine(RepositoryPaths.Root, "models");
        var model = Copy(Path.Combine(models, "demo"), Path.Combine(program.DataFolder, "demo"));
        var adapters = Directory.GetFiles(
            Copy(Path.Combine(models, "demo-adapters"), Path.Combine(program.DataFolder, "adapters")), "*.safetensors");
        Assert.Equal(0, (await program.RunHereAsync("models", "add", model, "--name", "demo")).ExitCode);
        Assert.Equal(0, (await program.RunHereAsync(["adapters", "add", .. adapters])).ExitCode);
        return (model, adapters);
    }

    private static string Copy(string from, string to)
    {
        foreach (var file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            var copy = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }

        return to;
    }

    private static async Task FlipAsync(string file)
    {
        var bytes = await File.ReadAllBytesAsync(file, Stop);
        bytes[^1] ^= 1;
        await File.WriteAllBytesAsync(file, bytes, Stop);
    }

    private static IReadOnlyList<Line> Read(ProgramResult result) => [.. result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
        .Select(line => JsonSerializer.Deserialize<Line>(line, JsonSerializerOptions.Web)!)];

    private static bool Says(Line finding, string text) => finding.What.Contains(text, StringComparison.Ordinal);

    private sealed record Line(string Check, string State, string What, string? Where, string? Remedy);

    private sealed class BrokenCheck() : DoctorCheck("broken", needsDatabase: false)
    {
        public override async IAsyncEnumerable<Finding> RunAsync(
            CheckContext context, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
        {
            await Task.Yield();
            yield return Ok("before");
            throw new IOException("the disk is gone");
        }
    }
}
