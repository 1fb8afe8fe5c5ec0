using System.Text;
using BatchGen.Composition;

namespace BatchGen.Output;

/// <summary>Reads a line from the terminal without showing it.</summary>
internal static class HiddenInput
{
    /// <summary>The line, or null when input ended.</summary>
    public static string? ReadLine(ProgramContext context)
    {
        if (Console.IsInputRedirected) return context.Input.ReadLine();
        var text = new StringBuilder();
        while (true)
        {
            var key = Console.ReadKey(intercept: true);
            if (key.Key == ConsoleKey.Enter) break;
            if (key.Key == ConsoleKey.Backspace) text.Length = Math.Max(0, text.Length - 1);
            else if (!char.IsControl(key.KeyChar)) text.Append(key.KeyChar);
        }

        context.Error.WriteLine();
        return text.ToString();
    }
}
