using System.Security.Cryptography;
using BatchGen.Testing;
using Xunit;

namespace BatchGen.EndToEndTests.Commands;

/// <summary><c>batchgen restore</c>: nothing is lost where it fails, is interrupted or finds what it cannot take.</summary>
public sealed class RestoreCommandTests
{
    [Fact]
    public async Task A_restore_that_fails_leaves_the_database_as_it_was()
    {
        await using var source = await FilledQueue.CreateAsync();
        await using var program = new ProgramUnderTest(source.Database);
        var folder = Path.Combine(program.DataFolder, "saved");
        Assert.Equal(0, (await program.RunHereAsync("backup", folder)).ExitCode);
        await source.Database.SqlAsync("update workers set stopped_at = now(), stop_reason = 'done'");
        var before = await source.CountAsync();
        await BreakDumpAsync(folder);

        var failed = await program.RunHereAsync("restore", folder, "--replace");
        Assert.NotEqual(0, failed.ExitCode);
        Assert.Contains("the database is as it was before", failed.Error, StringComparison.Ordinal);
        Assert.Equal(before, await source.CountAsync());
        Assert.Equal(5L, await source.Database.SqlAsync<long>("select count(*) from job_status(array(select id from jobs))"));
        Assert.False(await source.Database.SqlAsync<bool>($"select to_regnamespace('{source.Database.Schema}_before') is not null"));
    }

    [Fact]
    public async Task A_restore_that_was_interrupted_loses_nothing_and_is_made_again_with_replace()
    {
        await using var source = await FilledQueue.CreateAsync();
        await using var program = new ProgramUnderTest(source.Database);
        var folder = Path.Combine(program.DataFolder, "saved");
        Assert.Equal(0, (await program.RunHereAsync("backup", folder)).ExitCode);
        var before = await source.CountAsync();
        var schema = source.Database.Schema;
        await source.Database.SqlAsync($"alter schema {schema} rename to {schema}_before");

        var refused = await program.RunHereAsync("restore", folder);
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains("was interrupted", refused.Error, StringComparison.Ordinal);
        Assert.True(await source.Database.SqlAsync<bool>($"select to_regnamespace('{schema}_before') is not null"));
        Assert.Equal(0, (await program.RunHereAsync("restore", folder, "--replace")).ExitCode);
        Assert.Equal(before, await source.CountAsync());
        Assert.False(await source.Database.SqlAsync<bool>($"select to_regnamespace('{schema}_before') is not null"));
    }

    [Fact]
    public async Task Nothing_takes_the_place_of_what_an_interrupted_restore_put_aside_and_nothing_is_dropped_where_both_are_there()
    {
        await using var source = await FilledQueue.CreateAsync();
        await using var program = new ProgramUnderTest(source.Database);
        var folder = Path.Combine(program.DataFolder, "saved");
        Assert.Equal(0, (await program.RunHereAsync("backup", folder)).ExitCode);
        var schema = source.Database.Schema;
        await source.Database.SqlAsync($"alter schema {schema} rename to {schema}_before");

        // No program makes an empty schema in its place.
        var migrated = await program.RunHereAsync("migrate");
        Assert.Equal(3, migrated.ExitCode);
        Assert.Contains($"alter schema \"{schema}_before\" rename to \"{schema}\"", migrated.Error, StringComparison.Ordinal);
        Assert.False(await source.Database.SqlAsync<bool>($"select to_regnamespace('{schema}') is not null"));

        // Where both are there, a person decides.
        await source.Database.SqlAsync($"create schema {schema}");
        var refused = await program.RunHereAsync("restore", folder, "--replace");
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains($"drop schema \"{schema}_before\" cascade", refused.Error, StringComparison.Ordinal);
        Assert.Equal(5L, await source.Database.SqlAsync<long>($"select count(*) from {schema}_before.jobs"));
        Assert.True(await source.Database.SqlAsync<bool>($"select to_regnamespace('{schema}') is not null"));

        // As the refusal says.
        await source.Database.SqlAsync($"drop schema {schema}");
        await source.Database.SqlAsync($"alter schema {schema}_before rename to {schema}");
        Assert.Equal(0, (await program.RunHereAsync("migrate")).ExitCode);
    }

    [Fact]
    public async Task A_named_pipe_is_refused_as_a_backup_and_nobody_waits_for_it()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var program = new ProgramUnderTest(database);
        var pipe = Path.Combine(program.DataFolder, "backup.tar");
        IrregularFiles.MakePipe(pipe);
        var refused = await program.RunHereAsync("restore", pipe);
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains("it is a named pipe", refused.Error, StringComparison.Ordinal);
    }

    // A dump that nothing can be made of, as its manifest says it should be.
    private static async Task BreakDumpAsync(string folder)
    {
        var dump = Path.Combine(folder, "database.dump");
        var (old, broken) = (await File.ReadAllBytesAsync(dump), new byte[1000]);
        await File.WriteAllBytesAsync(dump, broken);
        var manifest = Path.Combine(folder, "manifest.json");
        var text = (await File.ReadAllTextAsync(manifest))
            .Replace(HashOf(old), HashOf(broken), StringComparison.Ordinal)
            .Replace($"\": {old.Length},", "\": 1000,", StringComparison.Ordinal);
        await File.WriteAllTextAsync(manifest, text);

        static string HashOf(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));
    }
}
