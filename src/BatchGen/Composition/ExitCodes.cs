namespace BatchGen.Composition;

/// <summary>Exit codes of the program; listed in docs/operations.md.</summary>
internal static class ExitCodes
{
    /// <summary>The command did what was asked.</summary>
    public const int Success = 0;

    /// <summary>Something failed: a watched job, a worker, a file.</summary>
    public const int Failed = 1;

    /// <summary>The command line, the settings or a file given is wrong; nothing was done.</summary>
    public const int BadInput = 2;

    /// <summary>The database cannot be reached or used.</summary>
    public const int NoDatabase = 3;

    /// <summary>Stopped by Ctrl-C.</summary>
    public const int Interrupted = 130;
}
