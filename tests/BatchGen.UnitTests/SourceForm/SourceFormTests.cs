using System.Text;

namespace BatchGen.UnitTests.SourceForm;

/// <summary>The source keeps to the limits of form: width of lines, length of blocks, summaries and test
/// names that say something.</summary>
public class SourceFormTests
{
    private const int WidestColumns = 140;
    private const int LongestBlockLines = 60;
    private const int LongestSqlBodyLines = 80;

    private static readonly Lazy<IReadOnlyList<SourceFile>> CSharp = new(
        () => [.. SourceFile.Read("src", ".cs"), .. SourceFile.Read("tests", ".cs")]);
    private static readonly Lazy<IReadOnlyList<SourceFile>> Sql = new(() => SourceFile.Read("db", ".sql"));

    [Fact]
    public void Lines_of_source_files_have_at_most_140_columns()
    {
        var wide = CSharp.Value.Concat(Sql.Value).Concat(SourceFile.Read("src", ".razor")).SelectMany(file => file.Lines
            .Select((line, i) => (Place: $"{file.Path}:{i + 1}", Columns: Columns(line)))
            .Where(line => line.Columns > WidestColumns)
            .Select(line => $"{line.Place} has {line.Columns} columns"));
        AssertNone(wide, $"Lines have at most {WidestColumns} columns");
    }

    [Fact]
    public void Blocks_of_CSharp_files_have_at_most_60_lines() =>
        AssertNone(
            CSharp.Value.SelectMany(BlockLengths.InCSharp).Where(block => block.Lines > LongestBlockLines),
            $"Blocks have at most {LongestBlockLines} lines, braces counted");

    [Fact]
    public void Bodies_of_SQL_functions_have_at_most_80_lines()
    {
        // What the migrations and functions add up to, db/schema.sql, holds no bodies of its own.
        var bodies = Sql.Value.Where(file => file.Path != "db/schema.sql").SelectMany(BlockLengths.InSql);
        AssertNone(
            bodies.Where(body => body.Lines > LongestSqlBodyLines), $"Bodies of SQL functions have at most {LongestSqlBodyLines} lines");
    }

    [Fact]
    public void Summaries_have_at_least_three_words() =>
        AssertNone(CSharp.Value.SelectMany(Wording.ShortSummaries), "A summary says what its member means, in three words or more");

    [Fact]
    public void Test_names_do_not_open_with_a_pronoun() =>
        AssertNone(CSharp.Value.SelectMany(Wording.TestsNamedByPronoun), "The name of a test opens with its subject, not with a pronoun");

    [Theory]
    [InlineData(58, 60)]
    [InlineData(59, 61)]
    public void The_length_of_a_block_is_its_lines_and_both_braces(int statements, int lines)
    {
        var body = new StringBuilder().Insert(0, "x++;\n", statements);
        var method = Assert.Single(BlockLengths.InCSharp(new SourceFile("a.cs", $"class A\n{{\nvoid M(int x)\n{{\n{body}}}\n}}")));
        Assert.Equal(new CodeBlock("a.cs", 4, "A.M", lines), method);
    }

    [Fact]
    public void Lambdas_local_functions_and_expression_bodies_are_measured_each_by_itself()
    {
        const string Source = "class A\n{\nA()\n{\nvoid Local()\n{\n}\n}\nAction B =>\n() =>\n{\n};\n}";
        Assert.Equal(
            ["A.constructor 5", "A.Local 2", "A.B 4", "A.lambda 2"],
            BlockLengths.InCSharp(new SourceFile("a.cs", Source)).Select(block => $"{block.Name} {block.Lines}"));
        Assert.DoesNotContain(
            BlockLengths.InCSharp(new SourceFile("src/BatchGen.Diffusion/Models/A.cs", Source)), block => block.Name == "A.constructor");
    }

    [Fact]
    public void The_length_of_a_SQL_body_is_its_lines_with_both_dollar_quotes()
    {
        const string Source = "create function a() returns int\nas $$\nselect 1\n$$;\ndo $do$\nbegin\nend $do$;";
        Assert.Equal(
            [new CodeBlock("a.sql", 2, "a", 3), new CodeBlock("a.sql", 5, "do block", 3)],
            BlockLengths.InSql(new SourceFile("a.sql", Source)));
    }

    [Theory]
    [InlineData("It, as PNG.", true)]
    [InlineData("The <see cref=\"Name\"/>.", true)]
    [InlineData("The\n/// name.", true)]
    [InlineData("Name of the <c>job</c>.", false)]
    public void A_summary_of_one_or_two_words_is_too_short(string summary, bool tooShort) =>
        Assert.Equal(tooShort, Wording.ShortSummaries(new SourceFile("a.cs", $"/// <summary>{summary}</summary>\nclass A;")).Any());

    [Theory]
    [InlineData("[Fact] void So_is_one_in_a_form() { }", true)]
    [InlineData("[Theory, InlineData(1)] void It_works(int x) { }", true)]
    [InlineData("void It_is_no_test() { }", false)]
    [InlineData("[Fact] void Items_are_sorted() { }", false)]
    public void A_test_name_that_opens_with_a_pronoun_is_found(string method, bool found) =>
        Assert.Equal(found, Wording.TestsNamedByPronoun(new SourceFile("a.cs", $"class A {{ {method} }}")).Any());

    // A character outside the basic plane is two chars and one column.
    private static int Columns(string line) => line.Count(c => !char.IsLowSurrogate(c));

    private static void AssertNone<T>(IEnumerable<T> offenders, string rule)
    {
        var list = offenders.ToArray();
        if (list.Length > 0) Assert.Fail($"{rule}; {list.Length} do not:\n{string.Join('\n', list)}");
    }
}
