using System.Diagnostics;
using BatchGen.Testing;
using Npgsql;
using NpgsqlTypes;
using Xunit;

namespace BatchGen.DatabaseTests.Documents;

/// <summary>Runs every example of docs/sql-api.md, in order, with the program that its language asks for.</summary>
public sealed class SqlApiExamplesTests
{
    [Fact]
    public async Task Examples_for_psql_bash_and_python_run_in_order_and_submit_their_jobs()
    {
        var isCi = string.Equals(Environment.GetEnvironmentVariable("CI"), "true", StringComparison.OrdinalIgnoreCase);
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator);
        var areInstalled = Array.TrueForAll(
            ["psql", "python3"], program => Array.Exists(folders, folder => File.Exists(Path.Combine(folder, program))));
        Assert.SkipWhen(!isCi && !areInstalled, "psql or python3 is missing; the examples need them.");
        await using var database = await TestDatabase.CreateAsync();
        await database.AddModelAsync();
        await database.AddAdaptersAsync("ink", "wash");
        var folder = Directory.CreateTempSubdirectory("batchgen-examples-");
        try
        {
            foreach (var example in Examples())
            {
                var code = example.Code.Replace("batchgen.", database.Schema + ".", StringComparison.Ordinal);
                var (program, arguments) = example.Language switch
                {
                    "sql" => ("psql", new[] { "-Xq", "-v", "ON_ERROR_STOP=1" }),
                    "sh" => ("bash", ["-e"]),
                    "python" => ("python3", ["-"]),
                    _ => ("", Array.Empty<string>()),
                };
                if (program.Length > 0) await RunAsync(program, arguments, code, folder.FullName, database);
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }

        // psql submits 1 + 2 + 1 jobs, COPY 2 and Python 3.
        Assert.Equal(9L, await database.SqlAsync<long>("select count(*) from jobs"));
        Assert.Equal(3L, await database.SqlAsync<long>("select count(*) from jobs where signature like '%|ink@0.8%'"));
    }

    [Fact]
    public async Task The_example_for_CSharp_matches_code_that_submits_a_job()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddModelAsync();
        var connectionString = database.ConnectionString;
        await using var source = NpgsqlDataSource.Create(connectionString);
        await using var command = source.CreateCommand($"select {database.Schema}.submit_jobs($1)");
        command.Parameters.Add(
            new() { Value = """[{"prompt": "a red cube", "idempotency_key": "cs-1"}]""", NpgsqlDbType = NpgsqlDbType.Jsonb });
        var id = (long)(await command.ExecuteScalarAsync())!;

        Assert.Equal("a red cube", await database.SqlAsync<string>("select recipe ->> 'prompt' from job_recipes where job_id = $1", id));
        var example = Examples().Single(example => example.Language == "csharp").Code;
        Assert.Contains("""command.Parameters.Add(new() { Value = """ + "\"\"\"", example, StringComparison.Ordinal);
        Assert.Contains("source.CreateCommand(\"select batchgen.submit_jobs($1)\")", example, StringComparison.Ordinal);
    }

    private static IEnumerable<(string Language, string Code)> Examples()
    {
        var lines = File.ReadAllLines(Path.Combine(RepositoryPaths.Root, "docs", "sql-api.md"));
        for (var i = 0; i < lines.Length; i++)
        {
            if (!lines[i].StartsWith("```", StringComparison.Ordinal)) continue;
            var end = Array.IndexOf(lines, "```", i + 1);
            yield return (lines[i][3..], string.Join('\n', lines[(i + 1)..end]) + "\n");
            i = end;
        }
    }

    private static async Task RunAsync(string program, string[] arguments, string input, string folder, TestDatabase database)
    {
        var address = new NpgsqlConnectionStringBuilder(database.ConnectionString);
        var start = new ProcessStartInfo(program, arguments)
        {
            UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
            WorkingDirectory = folder,
        };
        start.Environment["PGHOST"] = address.Host;
        start.Environment["PGPORT"] = address.Port.ToString(System.Globalization.CultureInfo.InvariantCulture);
        start.Environment["PGUSER"] = address.Username;
        start.Environment["PGPASSWORD"] = address.Password;
        start.Environment["PGDATABASE"] = address.Database;
        using var process = Process.Start(start)!;
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync();
        var error = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"{program} said: {error}\n{await output}\nto:\n{input}");
    }
}
