namespace BatchGen.Composition;

/// <summary>A command ends with one clear line on standard error and an exit code.</summary>
internal sealed class CommandException(int exitCode, string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>The exit code of the program, one of <see cref="ExitCodes"/>.</summary>
    public int ExitCode { get; } = exitCode;

    /// <summary>The command line or a file given is wrong.</summary>
    public static CommandException BadInput(string message, Exception? inner = null) => new(ExitCodes.BadInput, message, inner);

    /// <summary>The command could not do what was asked.</summary>
    public static CommandException Failed(string message, Exception? inner = null) => new(ExitCodes.Failed, message, inner);
}
