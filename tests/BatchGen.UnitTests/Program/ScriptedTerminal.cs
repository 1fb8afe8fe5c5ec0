using System.Text;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace BatchGen.UnitTests.Program;

/// <summary>A terminal whose keys are pressed by the test.</summary>
internal sealed class ScriptedTerminal : IAnsiConsole, IAnsiConsoleInput
{
    private readonly StringBuilder _shown = new();
    private readonly IAnsiConsole _console;
    private readonly Queue<char> _keys;

    /// <summary>Makes a terminal without colours.</summary>
    /// <param name="keys">The keys that are pressed; <c>\r</c> is Enter, <c>\b</c> is Backspace.</param>
    /// <param name="width">Columns.</param>
    public ScriptedTerminal(string keys = "", int width = 80)
    {
        _keys = new Queue<char>(keys);
        _console = AnsiConsole.Create(
            new AnsiConsoleSettings
            {
                Out = new AnsiConsoleOutput(new StringWriter(_shown)),
                Ansi = AnsiSupport.No,
                Interactive = InteractionSupport.Yes,
            });
        _console.Profile.Width = width;
    }

    /// <summary>Everything that was shown.</summary>
    public string Shown => _shown.ToString();

    public Profile Profile => _console.Profile;

    public IAnsiConsoleCursor Cursor => _console.Cursor;

    public IAnsiConsoleInput Input => this;

    public IExclusivityMode ExclusivityMode => _console.ExclusivityMode;

    public RenderPipeline Pipeline => _console.Pipeline;

    public void Clear(bool home) => _console.Clear(home);

    public void Write(IRenderable renderable) => _console.Write(renderable);

    public void WriteAnsi(Action<AnsiWriter> action) => _console.WriteAnsi(action);

    public bool IsKeyAvailable() => _keys.Count > 0;

    public ConsoleKeyInfo? ReadKey(bool intercept)
    {
        if (!_keys.TryDequeue(out var key)) return null;
        var code = key switch { '\r' => ConsoleKey.Enter, '\b' => ConsoleKey.Backspace, _ => ConsoleKey.NoName };
        return new ConsoleKeyInfo(key, code, shift: false, alt: false, control: false);
    }

    public Task<ConsoleKeyInfo?> ReadKeyAsync(bool intercept, CancellationToken cancellationToken) => Task.FromResult(ReadKey(intercept));
}
