namespace BatchGen.Chaos;

/// <summary>The statements of <c>db/chaos</c>, embedded in this assembly.</summary>
internal static class ChaosSql
{
    /// <summary>Text of the file <c>NAME.sql</c>.</summary>
    public static string Read(string name)
    {
        using var stream = typeof(ChaosSql).Assembly.GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"The program lacks its file db/chaos/{name}.sql.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd().ReplaceLineEndings("\n");
    }

    /// <summary>The comment that a statement begins with, as one line.</summary>
    public static string CommentOf(string statement) => string.Join(' ', statement.Split('\n')
        .TakeWhile(line => line.StartsWith("--", StringComparison.Ordinal)).Select(line => line[2..].Trim()));
}
