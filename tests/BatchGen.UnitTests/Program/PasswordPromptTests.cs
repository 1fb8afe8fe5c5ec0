using BatchGen.Output;

namespace BatchGen.UnitTests.Program;

public sealed class PasswordPromptTests
{
    [Fact]
    public async Task A_password_typed_on_a_terminal_is_read_and_not_shown()
    {
        var terminal = new ScriptedTerminal("correct hoxrse\b\b\b\brse battery\r");
        var password = await ReadAsync(new StringReader("from a pipe\n"), terminal);
        Assert.Equal("correct horse battery", password);
        Assert.Equal("Password for anna:", terminal.Shown.Trim());
    }

    [Fact]
    public async Task Nothing_typed_on_a_terminal_is_an_empty_password() =>
        Assert.Equal("", await ReadAsync(TextReader.Null, new ScriptedTerminal("\r")));

    [Fact]
    public async Task A_password_from_a_pipe_is_its_first_line() =>
        Assert.Equal("secret", await ReadAsync(new StringReader("secret\nmore\n"), terminal: null));

    [Fact]
    public async Task An_empty_pipe_holds_no_password() => Assert.Null(await ReadAsync(TextReader.Null, terminal: null));

    private static Task<string?> ReadAsync(TextReader input, ScriptedTerminal? terminal) => PasswordPrompt.ReadAsync(
        ProgramRun.Context(input: input, questions: terminal), "Password for anna:", TestContext.Current.CancellationToken);
}
