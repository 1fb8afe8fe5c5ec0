namespace BatchGen.UnitTests.Documents;

/// <summary>The rules find names that do not exist, so that a test without faults means something.</summary>
public class NameRulesTests
{
    [Theory]
    [InlineData("see docs/nothing.md for more")]
    [InlineData("src/BatchGen.Nowhere")]
    [InlineData("NoSuchFile.cs")]
    [InlineData("eng/*.nothing")]
    public void A_path_that_does_not_exist_is_a_fault(string text) => Assert.Single(NameRules.FaultsOfFiles(text));

    [Theory]
    [InlineData("see docs/architecture.md, `README.md` and src/BatchGen.Core/")]
    [InlineData("docs/decisions/NNNN-title.md")]
    [InlineData("Worker/Hosting/WorkerService.cs")]
    [InlineData("eng/*.targets")]
    [InlineData("text/plain, 1/2, and/or, https://example.org/docs/nothing.md")]
    public void A_path_that_exists_or_is_not_ours_is_no_fault(string text) => Assert.Empty(NameRules.FaultsOfFiles(text));

    [Theory]
    [InlineData("BatchGen:Queue:Nothing")]
    [InlineData("BatchGen__Queue__Nothing=1")]
    [InlineData("ConnectionStrings__Other")]
    public void A_setting_that_does_not_exist_is_a_fault(string text) => Assert.Single(NameRules.FaultsOfSettings(text));

    [Fact]
    public void A_setting_that_exists_is_no_fault() =>
        Assert.Empty(NameRules.FaultsOfSettings("BatchGen:Queue:MaxWait, BatchGen__Worker__BatchSize=32"));

    [Theory]
    [InlineData("BATCHGEN_NOTHING=1")]
    [InlineData("-p:NoSwitch=cpu")]
    [InlineData("-p:TorchBackend=steam")]
    public void A_variable_or_build_switch_that_nothing_reads_is_a_fault(string text) => Assert.Single(NameRules.FaultsOfEnvironment(text));

    [Theory]
    [InlineData("batchgen nothing")]
    [InlineData("./batchgen jobs --nothing")]
    [InlineData("try 'batchgen bench queue|nothing'")]
    [InlineData("batchgen models synth --familiy sd15")]
    public void A_command_or_option_that_does_not_exist_is_a_fault(string text) => Assert.Single(KnownCommands.Faults(text));

    [Theory]
    [InlineData("batchgen bench queue|render|switch")]
    [InlineData("./batchgen test --filter-class X")]
    [InlineData("batchgen jobs retry 5   # any job")]
    [InlineData("select batchgen.submit_jobs('[]')")]
    public void A_command_that_exists_is_no_fault(string text) => Assert.Empty(KnownCommands.Faults(text));

    [Theory]
    [InlineData("claim_nothing()")]
    [InlineData("no_such_column")]
    [InlineData("no_such_query.sql")]
    public void A_name_that_no_sql_has_is_a_fault(string text) => Assert.Single(NameRules.FaultsOfSql(text, new HashSet<string>()));

    [Fact]
    public void Names_that_sql_has_are_no_faults() =>
        Assert.Empty(
            NameRules.FaultsOfSql("claim_batch(), submit_jobs, claim_batch.sql, pg_stat_activity, @job_ids", new HashSet<string>()));

    [Fact]
    public void A_type_that_no_code_has_is_a_fault() => Assert.Single(NameRules.FaultsOfTypes("The NoSuchRenderer of IBatchRenderer."));

    [Theory]
    [InlineData("IBatchRenderer", true)]
    [InlineData("IBatchRenderer.Render", true)]
    [InlineData("IBatchRenderer.Nothing", false)]
    [InlineData("NoSuchRenderer", false)]
    public void A_member_must_stand_in_a_file_that_declares_its_type(string name, bool exists) =>
        Assert.Equal(exists, RepositoryNames.HasIdentifier(name));

    [Fact]
    public void Source_is_split_into_code_comments_and_strings()
    {
        var scanner = SourceScanner.OfCSharp(
            """var a = $"x {b + "y"} // no"; // yes '"' """ + "\nchar c = '\"'; /* also */ call(@\"d\\\");");
        Assert.Equal(["// yes '\"' ", "/* also */"], scanner.Comments.Select(comment => comment.Text));
        Assert.Contains("call(", scanner.Code, StringComparison.Ordinal);
        Assert.DoesNotContain("no", scanner.Code, StringComparison.Ordinal);
        Assert.Equal(["y", "d\\"], scanner.Strings.Select(text => text.Text).Where(text => text.Length < 3));
    }
}
