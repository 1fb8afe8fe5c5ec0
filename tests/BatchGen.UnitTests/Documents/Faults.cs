namespace BatchGen.UnitTests.Documents;

/// <summary>Reports what a check of documents found.</summary>
internal static class Faults
{
    /// <summary>Fails with every fault on a line of its own.</summary>
    public static void AssertNone(IReadOnlyCollection<string> faults) =>
        Assert.True(faults.Count == 0, $"{faults.Count} faults:\n{string.Join('\n', faults.Order(StringComparer.Ordinal))}");
}
