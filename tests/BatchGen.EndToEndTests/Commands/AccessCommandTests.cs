using BatchGen.Dashboard.Security;
using BatchGen.Queue.Access;
using BatchGen.Testing;
using Xunit;

namespace BatchGen.EndToEndTests.Commands;

/// <summary><c>batchgen users</c> and <c>batchgen keys</c>.</summary>
public sealed class AccessCommandTests
{
    private const string Password = "correct horse battery";

    [Fact]
    [SuccessOf("users add")]
    [SuccessOf("users list")]
    [SuccessOf("users remove")]
    public async Task A_person_is_let_in_listed_and_shut_out()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var program = new ProgramUnderTest(database);
        var access = new AccessStore(database.Queue);

        var added = await ProgramUnderTest.RunHereAsync(
            ["users", "add", "anna", "--role", "operator"], program.Context(input: Password + "\n"));
        Assert.Equal((0, "'anna' may log in as operator\n", ""), (added.ExitCode, added.Output, added.Error));
        Assert.Equal("NAME  ROLE\nanna  operator\n", (await program.RunHereAsync("users", "list")).Output);
        var removed = await program.RunHereAsync("users", "remove", "anna");
        Assert.Equal((0, "'anna' may not log in any more\n"), (removed.ExitCode, removed.Output));
        Assert.Empty(await access.ListAccountsAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_password_that_is_too_short_is_refused()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var program = new ProgramUnderTest(database);
        var refused = await ProgramUnderTest.RunHereAsync(["users", "add", "anna"], program.Context(input: "short\n"));
        Assert.Equal((2, $"batchgen: The password needs at least {PasswordHash.MinLength} letters.\n"), (refused.ExitCode, refused.Error));
    }

    [Fact]
    [SuccessOf("keys add")]
    [SuccessOf("keys list")]
    [SuccessOf("keys revoke")]
    public async Task A_key_is_printed_once_listed_and_revoked()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var program = new ProgramUnderTest(database);
        var access = new AccessStore(database.Queue);

        var added = await program.RunHereAsync("keys", "add", "shop");
        Assert.Equal((0, ""), (added.ExitCode, added.Error));
        var key = added.Output.TrimEnd();
        Assert.NotNull(await access.FindKeyAsync(ApiKey.Hash(key), TestContext.Current.CancellationToken));
        await program.RunHereAsync("keys", "add", "monitoring", "--role", "viewer");

        var listed = await program.RunHereAsync("keys", "list");
        Assert.DoesNotContain(key, listed.Output, StringComparison.Ordinal);
        Assert.Equal(["NAME ROLE TENANT STATE", "monitoring viewer all in force", "shop submitter default in force"], Cells(listed.Output));

        var revoked = await program.RunHereAsync("keys", "revoke", "shop");
        Assert.Equal((0, "Key 'shop' is revoked\n"), (revoked.ExitCode, revoked.Output));
        Assert.Null(await access.FindKeyAsync(ApiKey.Hash(key), TestContext.Current.CancellationToken));
        Assert.Contains("shop submitter default revoked", Cells((await program.RunHereAsync("keys", "list")).Output));
    }

    private static string[] Cells(string table) =>
        [.. table.TrimEnd().Split('\n').Select(line => string.Join(' ', line.Split(' ', StringSplitOptions.RemoveEmptyEntries)))];
}
