using BatchGen.ReferenceCheck;
using BatchGen.Testing;

namespace BatchGen.TorchTests;

/// <summary>Every case of tests/reference that has a part in this program.</summary>
public sealed class ReferenceTests
{
    [Theory]
    [InlineData("tokenizer/")]
    [InlineData("rng/")]
    [InlineData("schedulers/")]
    [InlineData("forward/")]
    [InlineData("e2e/")]
    [InlineData("demo-golden/")]
    [InlineData("lora-probe/")]
    [InlineData("lora/")]
    public void Reference_cases_pass(string part)
    {
        var results = ReferenceRun.Run(RepositoryPaths.Reference, new Dictionary<string, string>(), part).ToArray();

        Assert.NotEmpty(results);
        Assert.Empty(results.Where(result => result.Status == CaseStatus.Fail).Select(result => result.ToString()));
        Assert.Contains(results, result => result.Status == CaseStatus.Pass);
    }
}
