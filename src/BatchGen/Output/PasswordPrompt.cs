using BatchGen.Composition;
using Spectre.Console;

namespace BatchGen.Output;

/// <summary>Reads a password without showing it.</summary>
internal static class PasswordPrompt
{
    /// <summary>Asks the person at the terminal; reads a line where standard input is a file or a pipe.</summary>
    /// <returns>The password, or null when standard input has no line.</returns>
    public static async Task<string?> ReadAsync(ProgramContext context, string question, CancellationToken cancellationToken)
    {
        if (context.Questions is not { } terminal) return await context.Input.ReadLineAsync(cancellationToken);
        // No mask: a star for each letter would show how many there are.
        var prompt = new TextPrompt<string>(Markup.Escape(Printable.Line(question))).Secret(null).AllowEmpty();
        return await prompt.ShowAsync(terminal, cancellationToken);
    }
}
