namespace BatchGen.Core.Files;

/// <summary>What was to be read is no regular file; the message is the end of a sentence about it.</summary>
/// <param name="kind">What it is, such as "a named pipe".</param>
public sealed class IrregularFileException(string kind)
    : IOException($"it is {kind}; only regular files, and links to them, are read. Put the file itself there.");
