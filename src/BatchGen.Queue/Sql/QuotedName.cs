namespace BatchGen.Queue.Sql;

/// <summary>Writes a name into SQL text that a person or another program runs; queries of this program have it from the server's
/// <c>format</c>.</summary>
public static class QuotedName
{
    /// <summary>The name in double quotes, those in it doubled.</summary>
    public static string Of(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return '"' + name.Replace("\"", "\"\"", StringComparison.Ordinal) + '"';
    }
}
